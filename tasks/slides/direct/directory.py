"""From the directory of a TIFF file to the layout of its levels, matched with OpenSlide's levels."""

from collections.abc import Collection, Iterator
from pathlib import Path

import tifffile

from tasks.slides.direct.layout import Codec, DirectLayout, DirectLevel, FileArray, NotDirectError
from tasks.slides.facts import SlideFacts

VENDORS = ("generic-tiff", "aperio", "philips", "leica", "ventana", "trestle")
"""Formats whose levels may be plain grids of tiles; whether they are is proved by pixels."""

_CODECS: dict[int, Codec] = {
    1: "none",
    5: "lzw",
    7: "jpeg",
    8: "deflate",
    32946: "deflate",
    33003: "jpeg2000",
    33005: "jpeg2000",
    50000: "zstd",
}
_JPEG, _APERIO_YCBCR = 7, 33003
_OFFSETS, _BYTE_COUNTS, _TABLES = 324, 325, 347
_RGB, _YCBCR = 2, 6


def find_layout(path: Path, facts: SlideFacts, used: Collection[int]) -> DirectLayout:
    """Return where the tiles of the levels ``used`` lie in the file.

    Raises:
        NotDirectError: the format is none of ours, or a level has no directory that is understood.
    """
    if facts.vendor not in VENDORS:
        raise NotDirectError(f"the format {facts.vendor} is read by OpenSlide alone")
    try:
        with tifffile.TiffFile(path) as tiff:
            pages = list(_tiled_pages(tiff))
            levels = tuple(
                _level(pages, facts, number) if number in used else None
                for number in range(len(facts.level_sizes))
            )
    except (tifffile.TiffFileError, ValueError, KeyError, IndexError) as error:
        raise NotDirectError(f"its directory is not understood: {type(error).__name__}") from error
    return DirectLayout(file_bytes=path.stat().st_size, levels=levels)


def _tiled_pages(tiff: tifffile.TiffFile) -> Iterator[tifffile.TiffPage]:
    for page in tiff.pages:
        if isinstance(page, tifffile.TiffPage):
            if page.is_tiled:
                yield page
            for smaller in page.pages or ():
                if isinstance(smaller, tifffile.TiffPage) and smaller.is_tiled:
                    yield smaller


def _level(pages: list[tifffile.TiffPage], facts: SlideFacts, number: int) -> DirectLevel:
    width, height = facts.level_sizes[number]
    page = _page_of(pages, facts, (width, height))
    _refuse(page)
    if facts.vendor == "aperio" and 0 in page.databytecounts:
        raise NotDirectError("a missing tile is drawn from the next finer level")
    return DirectLevel(
        width=width,
        height=height,
        downsample=facts.level_downsamples[number],
        tile_width=page.tilewidth,
        tile_height=page.tilelength,
        across=-(-page.imagewidth // page.tilewidth),
        codec=_CODECS[int(page.compression)],
        ycbcr=_is_ycbcr(page),
        predictor=page.predictor == 2,
        offsets=_array(page, _OFFSETS),
        byte_counts=_array(page, _BYTE_COUNTS),
        tables=_array(page, _TABLES) if _TABLES in page.tags else None,
    )


def _page_of(pages: list[tifffile.TiffPage], facts: SlideFacts, size: tuple[int, int]) -> tifffile.TiffPage:
    """Return the page of a level: of its size, or for Philips of its size filled up to whole tiles."""
    for page in pages:
        stated = (page.imagewidth, page.imagelength)
        over = (stated[0] - size[0], stated[1] - size[1])
        if not any(over):
            return page
        filled = 0 <= over[0] < page.tilewidth and 0 <= over[1] < page.tilelength
        if facts.vendor == "philips" and filled:
            return page
    raise NotDirectError(f"no tiled directory has the level's {size[0]} x {size[1]} pixels")


def _is_ycbcr(page: tifffile.TiffPage) -> bool:
    if int(page.compression) == _JPEG:
        return int(page.photometric) == _YCBCR
    return int(page.compression) == _APERIO_YCBCR


def _refuse(page: tifffile.TiffPage) -> None:
    """Raise unless the samples are three of 8 bits, side by side, in a compression that is understood."""
    if int(page.compression) not in _CODECS:
        raise NotDirectError(f"compression {int(page.compression)} is read by OpenSlide alone")
    if page.samplesperpixel != 3 or page.bitspersample != 8 or page.extrasamples:
        raise NotDirectError("its pixels are not three samples of 8 bits")
    if int(page.planarconfig) != 1 or page.tiledepth != 1 or page.predictor not in (1, 2):
        raise NotDirectError("its samples do not lie side by side")
    allowed = (_RGB, _YCBCR) if int(page.compression) in (_JPEG, 33003, 33005) else (_RGB,)
    if int(page.photometric) not in allowed:
        raise NotDirectError(f"its samples are neither RGB nor YCbCr but kind {int(page.photometric)}")
    orientation = page.tags.get(274)
    if orientation is not None and int(orientation.value) != 1:
        raise NotDirectError("its first pixel is not at the top left")


_DTYPES = {1: "u1", 3: "u2", 4: "u4", 7: "u1", 13: "u4", 16: "u8", 18: "u8"}


def _array(page: tifffile.TiffPage, code: int) -> FileArray:
    tag = page.tags[code]
    dtype = page.parent.byteorder + _DTYPES[int(tag.dtype)]
    return FileArray(offset=tag.valueoffset, count=tag.count, dtype=dtype)
