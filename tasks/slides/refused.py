"""TIFF files that OpenSlide refuses, or reads as something else: the reason, and how to convert them."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import tifffile

from tasks.slides.errors import SlideError
from tasks.slides.facts import FileFacts
from tasks.slides.level_region import LevelRegion, RegionSource

_COMPRESSIONS = {
    34925: "LZMA",
    34927: "WebP", 50001: "WebP",
    50002: "JPEG XL", 52546: "JPEG XL",
    33003: "JPEG 2000", 33004: "JPEG 2000", 33005: "JPEG 2000", 34712: "JPEG 2000",
    22610: "JPEG XR", 34934: "JPEG XR",
    34887: "LERC",
    34933: "PNG",
}  # fmt: skip

_VIPS = "vips tiffsave {} OUT.tif --tile --pyramid --compression jpeg --Q 90 --bigtiff"
_AS_IS = _VIPS.format("IN")
_AS_SRGB = f"vips colourspace IN RGB.v srgb && {_VIPS.format('RGB.v')}"
_TO_BYTES = f"vips linear IN BYTES.v FACTOR 0 --uchar && {_VIPS.format('BYTES.v')}"
_BFCONVERT = "bfconvert -tilex 256 -tiley 256 -pyramid-resolutions 5 -pyramid-scale 2 IN OUT.ome.tiff"

_DARK = 64
"""The grey level that the brightest pixel of a slide exceeds; glass of a bright field is near 255."""

_SPOTS = 5


def why_refused(path: Path) -> str:
    """Return what follows OpenSlide's message about a TIFF file that it does not open; "" for other files.

    Only the first directory is read, and of it only how pixels are stored.
    """
    page = _first_page(path)
    if page is None:
        return ""
    reason, how = _planes(page) or _samples(page) or _storage(page)
    return f". The reason is in the file: {reason}. {_advice(how)}" if reason else ""


def refuse_misread(path: Path, facts: FileFacts, source: RegionSource) -> None:
    """Raise SlideError where OpenSlide opens a plain TIFF file whose colours it does not read.

    These are files with one grey channel, or one image per channel, with samples that are no whole numbers,
    and with samples of 16 bits of which only the lower ones are used: OpenSlide takes the upper eight.
    """
    page = _first_page(path) if facts.vendor == "generic-tiff" else None
    if page is None:
        return
    misread = _planes(page) or _samples(page)
    if not misread and page.bitspersample == 16:
        brightest = _brightest(facts, source)
        if brightest <= _DARK:
            bits = 8 + max(1, brightest - 1).bit_length()
            misread = f"its samples have 16 bits, of which at most {bits} are used", _TO_BYTES
    if misread:
        raise SlideError(f"{path.name}: its colours cannot be read: {misread[0]}. {_advice(misread[1])}")


def _first_page(path: Path) -> tifffile.TiffPage | None:
    try:
        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages.first
            page.is_ome  # noqa: B018 - it reads the description while the file is open
            return page if isinstance(page, tifffile.TiffPage) else None
    except (tifffile.TiffFileError, ValueError, KeyError, IndexError, RuntimeError, AttributeError):
        return None


def _advice(how: str) -> str:
    return f"Convert it, for example with `{how}`"


def _planes(page: tifffile.TiffPage) -> tuple[str, str] | None:
    if page.samplesperpixel == 1 and page.is_ome:
        return "each channel is an image of its own, one plane per channel", _BFCONVERT
    return None


def _samples(page: tifffile.TiffPage) -> tuple[str, str] | None:
    if page.sampleformat == 3:
        return f"its samples are fractions of {page.bitspersample} bits", _TO_BYTES
    if page.samplesperpixel == 1 and int(page.photometric) in (0, 1):
        return "it has one grey channel and no colour", _AS_SRGB
    if page.bitspersample not in (8, 16):
        return f"its samples have {page.bitspersample} bits", _TO_BYTES
    return None


def _storage(page: tifffile.TiffPage) -> tuple[str, str]:
    compression = int(page.compression)
    if not page.is_tiled:
        return "its pixels lie in strips, not in tiles", _AS_IS
    if compression in _COMPRESSIONS:
        return f"its compression is {_COMPRESSIONS[compression]} (TIFF code {compression})", _AS_IS
    return "", ""


def _brightest(facts: FileFacts, source: RegionSource) -> int:
    """Return the highest grey level at spots spread over the coarsest level."""
    number = len(facts.level_sizes) - 1
    width, height = facts.level_sizes[number]
    scale, brightest = facts.level_downsamples[number], 0
    for x in np.linspace(0, max(0, width - 256), _SPOTS):
        for y in np.linspace(0, max(0, height - 256), _SPOTS):
            size = (min(256, width), min(256, height))
            spot = LevelRegion(round(x * scale), round(y * scale), number, *size)
            with suppress(SlideError):  # a damaged spot says nothing of the others
                brightest = max(brightest, int(source.region(spot).max()))
    return brightest
