"""A slide as one file that needs no server: tissue down to a stated resolution, with all maps of the page."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from flows.viewing.viewed import ViewedSlide, ViewedStudy
from tasks.reporting.review.budget import as_json
from tasks.reporting.review.document import document
from tasks.reporting.review.pictures import webp_uri

_QUALITY = 70
_WHITE = 235
"""A square whose darkest channel is brighter everywhere shows glass, and is left out."""
Square = tuple[int, int, int]
"""Level, column and row of a square."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: the file.
        um: micrometres per pixel of the finest level in it.
        megabytes: its size.
    """

    path: Path
    um: float
    megabytes: float


def export_slide(viewed: ViewedStudy, number: int, path: Path, most_bytes: int) -> Exported:
    """Write a slide of the page to ``path``.

    Args:
        viewed: the study.
        number: of the slide on its page.
        path: the file.
        most_bytes: of the tissue. Levels are added from coarse to fine as long as they fit whole.

    Raises:
        SlideError: the slide cannot be read.
    """
    own, part = viewed.slide(number), viewed.page.slide(number)
    um = own.mpp * own.zoom.width / part["picture"]["width"]
    if own.opening is not None:
        tiles, last = _pyramid(viewed, number, most_bytes, _finer_than(own, um))
        if tiles:
            named = {f"{level}/{x}_{y}": uri for (level, x, y), uri in tiles.items()}
            part["deep"] = {**own.deep(min(level for level, _, _ in tiles), last), "tiles": named}
            um = part["deep"]["um"]
    told = {**viewed.told, "slides": [viewed.told["slides"][number]]}
    page = document(f"{told['study']}: {told['slides'][0]}", as_json(told), [as_json(part)]).encode()
    path.write_bytes(page)
    return Exported(path, um, len(page) / 1e6)


def _finer_than(own: ViewedSlide, um: float) -> int:
    """Return the first level with more detail than ``um`` micrometres per pixel that is cheap to read."""
    level = own.first
    while level < own.zoom.last and own.mpp * own.zoom.downsample(level) >= um:
        level += 1
    return level


def _pyramid(viewed: ViewedStudy, number: int, most_bytes: int, first: int) -> tuple[dict[Square, str], int]:
    """Return squares with tissue as data URIs, and the finest level that fits."""
    own = viewed.slide(number)
    found: dict[Square, str] = {}
    left, reached = most_bytes, first
    for level in range(first, own.zoom.last + 1):
        squares: dict[Square, str] = {}
        for place in _with_tissue(own, level):
            uri = _encoded(viewed, number, place)
            if uri is not None:
                squares[place] = uri
                left -= len(uri)
            if left < 0:
                return found, reached
        found |= squares
        reached = level
    return found, reached


def _with_tissue(own: ViewedSlide, level: int) -> Iterator[Square]:
    """Yield the squares of a level that any tile of the study touches, by rows."""
    side = own.zoom.tile * own.zoom.downsample(level)
    table = own.tiles.table
    x, y, extent = (table[f"{name}_level0"].to_numpy(dtype=np.float64) for name in ("x", "y", "extent"))
    touched = set()
    for across in (x, x + extent - 1e-6):
        for down in (y, y + extent - 1e-6):
            touched |= set(
                zip((down // side).astype(int).tolist(), (across // side).astype(int).tolist(), strict=True)
            )
    for row, column in sorted(touched):
        if own.zoom.holds(level, column, row):
            yield level, column, row


def _encoded(viewed: ViewedStudy, number: int, place: Square) -> str | None:
    """Return a square as a data URI; None for bare glass."""
    pixels = viewed.square(number, *place)
    if pixels.min() > _WHITE:
        return None
    return webp_uri(Image.fromarray(pixels), _QUALITY, method=2)
