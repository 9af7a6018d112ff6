"""How large the page may become, and what is made smaller so that it does not become larger.

Bytes are those of the finished file: what is binary counts four thirds, as it is written in base64.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

PAGE_BYTES = 15_000_000
"""The page stays below this."""
MARGIN = 100_000
LEAST_SHARE, MOST_SHARE = 400_000, 3_000_000
"""A slide gets no less than the one, so a study of more slides than 35 makes a larger page; and no more than
the other, so that a study of few opens at once."""

PICTURE_SIDES = (4096, 3072, 2304, 1728, 1296, 1024, 768, 576, 432, 324)
"""Longest side of the slide's picture in pixels, from the best."""
MAP_FACTORS = (1, 2, 3, 4, 6, 8, 12, 16, 24)
"""By how much the drawn maps are made coarser, from the best."""
DETAIL_SIDES = (128, 96, 64, 48, 32)
"""Side of a tile's maps in pixels, from the best."""
ONE_SEED_SIDES = (48, 32, 24, 16)
"""The same where the maps of all seeds do not fit and those of the first are kept."""
LEAST_DETAILED = 12
"""A finer map is given up for fewer tiles than this."""
TILE_PICTURE_BYTES = 6_000
"""What the picture of a tile takes at most, about."""
LISTED = 12
"""Where not every tile's scores fit, so many of the highest and of the lowest are kept for each map."""

_BASE64 = 4 / 3
_OPTIMISTIC = 0.15
"""Bytes a drawn pixel takes in a very smooth map: coarser than this allows is never needed."""


@dataclass(frozen=True)
class SlideBudget:
    """Bytes of one slide: all, its picture, its outlines, tile scores, maps, detailed tiles."""

    total: int

    @property
    def picture(self) -> int:
        """The slide's picture."""
        return round(0.22 * self.total)

    @property
    def outlines(self) -> int:
        """Annotated outlines, evidence and artefacts together."""
        return round(0.05 * self.total)

    @property
    def scores(self) -> int:
        """ReviewedScores tile by tile; what is scored is counted in ``rest``."""
        return round(0.18 * self.total)

    @property
    def rest(self) -> int:
        """The table of tiles, probabilities and the means of the scores."""
        return round(0.10 * self.total)

    @property
    def maps(self) -> int:
        """All maps of the slide."""
        return round(0.25 * self.total)

    @property
    def details(self) -> int:
        """The maps of the detailed tiles."""
        return round(0.20 * self.total)


@dataclass(frozen=True)
class Detail:
    """How the detailed tiles of a slide are kept: side in pixels, of all seeds or the first, and how many."""

    side: int
    all_seeds: bool
    tiles: int


def slide_budget(slides: int, fixed: int) -> SlideBudget:
    """Return what each of ``slides`` may take if the page without them takes ``fixed`` bytes."""
    equal = (PAGE_BYTES - MARGIN - fixed) // max(1, slides)
    return SlideBudget(min(max(LEAST_SHARE, equal), MOST_SHARE))


def first_side(room: int, maps: int, shape: tuple[int, int], covered: float) -> int:
    """Return the longest side at which maps are stitched first.

    Args:
        room: bytes for all maps.
        maps: how many there are.
        shape: height and width of the slide's thumbnail; no map is finer.
        covered: share of it that tiles cover.
    """
    height, width = shape
    pixels = room / _BASE64 / _OPTIMISTIC / max(1, maps) / max(covered, 0.01)
    return max(16, min(max(shape), int((pixels * max(shape) / min(height, width)) ** 0.5)))


def detail_of(room: int, tiles: int, seeds: int, maps_a_seed: int, tile_px: int) -> Detail:
    """Return how detailed tiles are kept, counting one byte a pixel: no map takes more.

    Args:
        room: bytes for all.
        tiles: how many tiles the slide has.
        seeds: how many seeds (or folds and seeds) there are.
        maps_a_seed: arms times explainers.
        tile_px: side of a tile; no map is finer.
    """
    last = Detail(tile_px, True, 0)
    for side, all_seeds in _steps(tile_px, seeds):
        maps = maps_a_seed * (seeds if all_seeds else 1)
        fitting = int(room / (maps * side**2 * _BASE64 + TILE_PICTURE_BYTES)) if maps else 0
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
    """Bytes of a slide as its parts take them: what one leaves, or takes too much, the next has."""

    def __init__(self) -> None:
        self.left = 0

    def of(self, share: int) -> int:
        """Return what a part with this share may take."""
        return max(0, share + self.left)

    def spend(self, share: int, part: Any) -> Any:
        """Return ``part`` (JSON) after counting what it takes of its share."""
        self.left += share - len(as_json(part))
        return part


def as_json(value: Any) -> str:
    """Return the shortest JSON text of ``value``; NaN is refused."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
