"""The proof that a file may be read directly: sampled regions equal OpenSlide's byte for byte."""

from collections.abc import Collection, Iterator

import numpy as np

from tasks.slides.direct.decode import TileError
from tasks.slides.direct.source import DirectSource
from tasks.slides.errors import SlideError
from tasks.slides.facts import SlideFacts
from tasks.slides.level_region import LevelRegion
from tasks.slides.openslide_source import OpenSlideSource

SAMPLES = 20
"""Source tiles that are compared, over all levels; every level has at least four."""

_AROUND = 3
"""Pixels beyond a source tile that are compared with it, so that its seams are."""

_LARGEST_PX = 1024


def first_difference(
    direct: DirectSource, openslide: OpenSlideSource, facts: SlideFacts, used: Collection[int]
) -> tuple[int, str]:
    """Compare sampled source tiles of every level in ``used``, with what lies around them.

    Returns:
        The number of regions that are equal, and what is wrong with the next; "" where all are equal.
    """
    equal = 0
    each = max(4, SAMPLES // max(1, len(used)))
    for number in used:
        for region in _samples(direct, facts, number, each):
            wrong = _difference(direct, openslide, region)
            if wrong:
                return equal, f"level {number} at ({region.x}, {region.y}): {wrong}"
            equal += 1
    return equal, ""


def _difference(direct: DirectSource, openslide: OpenSlideSource, region: LevelRegion) -> str:
    try:
        expected = openslide.region(region)
    except SlideError:
        expected = None
    try:
        pixels = direct.region(region)
    except TileError as error:
        # OpenSlide is asked for such a tile whenever it is read.
        return "" if expected is None else str(error)
    if expected is None:
        return "OpenSlide finds it damaged"
    differs = (pixels != expected).any(axis=2)
    return f"{differs.mean():.1%} of the pixels differ from OpenSlide's" if differs.any() else ""


def _samples(direct: DirectSource, facts: SlideFacts, number: int, count: int) -> Iterator[LevelRegion]:
    """Yield regions of a level: its corners, its largest, smallest and missing tiles, bounds, random ones."""
    level = direct.level(number)
    down = -(-level.height // level.tile_height)
    across = -(-level.width // level.tile_width)
    inside = np.arange(down)[:, None] * level.across + np.arange(across)
    sizes = direct.tiles.byte_counts(number)
    index = inside[inside < len(sizes)]
    by_size = index[np.argsort(sizes[index], kind="stable")]
    missing = by_size[sizes[by_size] == 0]
    random = np.random.default_rng(number).permutation(index)
    left, top, wide, high = (value / level.downsample for value in facts.bounds)
    edges = [
        min(max(int(y), 0), level.height - 1) // level.tile_height * level.across
        + min(max(int(x), 0), level.width - 1) // level.tile_width
        for y in (top, top + high - 1)
        for x in (left, left + wide - 1)
    ]
    first = [inside[-1, -1], by_size[-1], *missing[:1], *missing[-1:], by_size[len(missing) % len(by_size)]]
    wanted = dict.fromkeys(int(i) for i in (*first, *edges, inside[0, -1], inside[-1, 0], *random))
    for place, tile in enumerate(list(wanted)[:count]):
        x = (tile % level.across) * level.tile_width - (_AROUND + place % 3)
        y = (tile // level.across) * level.tile_height - (_AROUND + place % 2)
        yield LevelRegion(
            x=round(max(0, x) * level.downsample),
            y=round(max(0, y) * level.downsample),
            level=number,
            width=min(level.tile_width + 2 * _AROUND + 3, _LARGEST_PX),
            height=min(level.tile_height + 2 * _AROUND + 3, _LARGEST_PX),
        )
