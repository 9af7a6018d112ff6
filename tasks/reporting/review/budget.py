"""The size limit of the page, and what is reduced to keep it.

Bytes are those of the finished file. Binary data counts four thirds, as it is written in base64.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

PAGE_BYTES = 15_000_000
"""Size limit of the page."""
MARGIN = 100_000
LEAST_BYTES, MOST_BYTES = 400_000, 3_000_000
"""Bounds per slide: a page of more than 35 slides exceeds the limit, few slides open quickly."""

PICTURE_SIDES = (4096, 3072, 2304, 1728, 1296, 1024, 768, 576, 432, 324)
"""Longest side of the slide's picture in pixels, best first."""
MAP_FACTORS = (1, 2, 3, 4, 6, 8, 12, 16, 24)
"""Factors by which drawn maps are downsampled, best first."""
DETAIL_SIDES = (128, 96, 64, 48, 32)
"""Side of a tile's maps in pixels, best first."""
ONE_SEED_SIDES = (48, 32, 24, 16)
"""The same where only the maps of the first seed fit."""
LEAST_DETAILED = 12
"""Resolution is reduced until at least this many tiles fit."""
TILE_PICTURE_BYTES = 6_000
"""Approximate upper bound of the picture of a tile."""
LISTED = 12
"""Number of highest and of lowest scores kept per map where the scores of all tiles do not fit."""

_BASE64 = 4 / 3
_OPTIMISTIC = 0.15
"""Bytes per drawn pixel of a very smooth map, so that no map starts coarser than it must."""


@dataclass(frozen=True)
class SlideBudget:
    """How the bytes of one slide are split among its parts."""

    total: int

    @property
    def picture(self) -> int:
        """Bytes for the slide's picture."""
        return round(0.22 * self.total)

    @property
    def outlines(self) -> int:
        """Bytes for the outlines of annotation, evidence and artefacts."""
        return round(0.05 * self.total)

    @property
    def scores(self) -> int:
        """Bytes for the scores of single tiles."""
        return round(0.18 * self.total)

    @property
    def rest(self) -> int:
        """Bytes for the table of tiles, the probabilities and the mean scores."""
        return round(0.10 * self.total)

    @property
    def maps(self) -> int:
        """Bytes for all maps of the slide."""
        return round(0.25 * self.total)

    @property
    def details(self) -> int:
        """Bytes for the maps of single tiles."""
        return round(0.20 * self.total)


@dataclass(frozen=True)
class Detail:
    """How single tiles are stored: side in pixels, maps of all seeds or of the first, number of tiles."""

    side: int
    all_seeds: bool
    tiles: int


def slide_budget(slides: int, fixed: int) -> SlideBudget:
    """Return the budget per slide for ``slides`` slides; the page without them takes ``fixed`` bytes."""
    equal = (PAGE_BYTES - MARGIN - fixed) // max(1, slides)
    return SlideBudget(min(max(LEAST_BYTES, equal), MOST_BYTES))


def first_side(max_bytes: int, maps: int, shape: tuple[int, int], covered: float) -> int:
    """Return the longest side in pixels at which maps are drawn first.

    Args:
        max_bytes: bytes for all maps.
        maps: number of maps.
        shape: height and width of the slide's thumbnail. No map is finer.
        covered: fraction of the thumbnail that tiles cover.
    """
    height, width = shape
    pixels = max_bytes / _BASE64 / _OPTIMISTIC / max(1, maps) / max(covered, 0.01)
    return max(16, min(max(shape), int((pixels * max(shape) / min(height, width)) ** 0.5)))


def detail_of(max_bytes: int, tiles: int, seeds: int, maps_per_seed: int, tile_px: int) -> Detail:
    """Return how single tiles are stored. One byte per pixel is counted, an upper bound.

    Args:
        max_bytes: bytes for all tiles.
        tiles: number of tiles of the slide.
        seeds: number of seeds, or of folds times seeds.
        maps_per_seed: arms times explainers.
        tile_px: side of a tile. No map is finer.
    """
    last = Detail(tile_px, True, 0)
    for side, all_seeds in _steps(tile_px, seeds):
        maps = maps_per_seed * (seeds if all_seeds else 1)
        fitting = int(max_bytes / (maps * side**2 * _BASE64 + TILE_PICTURE_BYTES)) if maps else 0
        last = Detail(side, all_seeds, min(fitting, tiles))
        if last.tiles >= min(LEAST_DETAILED, tiles):
            return last
    return last


def _steps(tile_px: int, seeds: int) -> Iterator[tuple[int, bool]]:
    yield min(tile_px, DETAIL_SIDES[0]), True
    yield from ((side, True) for side in DETAIL_SIDES if side < tile_px)
    if seeds > 1:
        yield from ((side, False) for side in ONE_SEED_SIDES if side < tile_px)
    elif tile_px > ONE_SEED_SIDES[-1]:
        yield from ((side, True) for side in ONE_SEED_SIDES[-2:] if side < tile_px)


class Allowance:
    """Carries unused bytes of one part over to the next, and subtracts overspent ones."""

    def __init__(self) -> None:
        self.left = 0

    def available(self, planned: int) -> int:
        """Return the bytes available to a part that was planned with ``planned`` bytes."""
        return max(0, planned + self.left)

    def spend(self, planned: int, data: Any) -> Any:
        """Return ``data`` (JSON) after counting its size against ``planned``."""
        self.left += planned - len(as_json(data))
        return data


def as_json(value: Any) -> str:
    """Return the shortest JSON text of ``value``. NaN is refused."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
