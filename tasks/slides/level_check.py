"""Whether the levels of a slide show the same picture: by their sizes, and by the pixels at a few spots.

Files exist whose levels are filled up to whole source tiles, shifted, in the wrong order, or a picture of
something else. OpenSlide takes them all for levels, and a tile would be read at a wrong scale from them.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tasks.slides.direct.decode import TileError
from tasks.slides.errors import SlideError
from tasks.slides.facts import SlideFacts
from tasks.slides.level_region import LevelRegion, RegionSource

_OFF_PX = 2.0
"""Pixels of a level by which its far corner may lie beside the place that its scale gives."""

_TRIED, _LOOK_PX = 64, 64
_RICH, _SPREAD = 6, 4
_MOST_LEVEL0_PX = 1024
_CELLS = 8
_CONTRAST = 6.0
"""Standard deviation of grey levels within a spot below which there is nothing to compare."""

_GLASS, _AT_GLASS = 225.0, 1000.0
"""Where a spot holds glass, above this grey level, it says little: it is tried after all spots without."""

_LEAST_CORRELATION = 0.5
_WRONG_SPOTS = 1 / 3
"""The correlation of this fraction of the spots, the worst, decides: where glass begins, all agree."""

_MOST_DIFFERENCE = 25.0
"""Grey levels by which the mean colour of a spot may differ."""


Spot = tuple[float, float]
"""The middle of a spot as fractions of the slide's width and height."""


def misfits_by_size(facts: SlideFacts) -> dict[int, str]:
    """Return the levels whose sizes have no common scale with the finest one, with the reason."""
    reasons = {number: _by_size(facts, number) for number in range(1, len(facts.level_sizes))}
    return {number: reason for number, reason in reasons.items() if reason}


def misfits_by_pixels(source: RegionSource, facts: SlideFacts, numbers: Collection[int]) -> dict[int, str]:
    """Return the levels among ``numbers`` that show something else than the finest one, with the reason."""
    smaller = [number for number in numbers if number]
    spots = _spots(source, facts) if smaller else []
    reasons = {number: _by_pixels(source, facts, number, spots) for number in smaller}
    return {number: reason for number, reason in reasons.items() if reason}


def _by_size(facts: SlideFacts, number: int) -> str:
    (width, height), (wide, high) = facts.size, facts.level_sizes[number]
    downsample = facts.level_downsamples[number]
    off = max(abs(width / downsample - wide), abs(height / downsample - high))
    if off <= _OFF_PX:
        return ""
    return (
        f"its {wide} x {high} px do not fit the slide's {width} x {height}: "
        f"the x ratio is {width / wide:.3g} and the y ratio {height / high:.3g}"
    )


def _by_pixels(source: RegionSource, facts: SlideFacts, number: int, spots: list[Spot]) -> str:
    """Return why the pixels of a level do not fit; "" where they do, or where nothing can be compared."""
    correlations, differences = [], []
    for spot in spots:
        fine, coarse = (_cells(source, region) for region in _pair(facts, number, spot))
        if fine is None or coarse is None:
            continue
        differences.append(float(np.abs(fine.mean(axis=(0, 1)) - coarse.mean(axis=(0, 1))).max()))
        grey = [cells.mean(axis=2).ravel() for cells in (fine, coarse)]
        if max(values.std() for values in grey) >= _CONTRAST:
            flat = min(values.std() for values in grey) < 1e-6
            correlations.append(0.0 if flat else float(np.corrcoef(*grey)[0, 1]))
    if correlations and (worst := np.quantile(correlations, _WRONG_SPOTS)) < _LEAST_CORRELATION:
        return (
            "it shows another picture than the finest level: at a third of the spots compared "
            f"their pixels correlate by {worst:.2f} or less, allowed is {_LEAST_CORRELATION}"
        )
    if differences and np.median(differences) > _MOST_DIFFERENCE:
        return (
            f"its colours differ from the finest level by {np.median(differences):.0f} grey levels; "
            f"allowed are {_MOST_DIFFERENCE:.0f}"
        )
    return ""


def _spots(source: RegionSource, facts: SlideFacts) -> list[Spot]:
    """Return the spots with the most contrast in the finest level, and some spread over the slide."""
    tried: list[tuple[float, Spot]] = []
    width, height = facts.size
    for x, y in _spread(_TRIED):
        left, top = round(max(0, x * width - _LOOK_PX / 2)), round(max(0, y * height - _LOOK_PX / 2))
        cells = _cells(source, LevelRegion(left, top, 0, min(_LOOK_PX, width), min(_LOOK_PX, height)))
        if cells is not None:
            grey = cells.mean(axis=2)
            tried.append((float(grey.std()) - _AT_GLASS * float(grey.max() > _GLASS), (x, y)))
    rich = [spot for _, spot in sorted(tried, reverse=True)[:_RICH]]
    return [*rich, *_spread(_SPREAD)]


def _spread(count: int) -> list[Spot]:
    """Return spots spread evenly over the slide (the R2 sequence of Roberts, 2018)."""
    steps = np.arange(1, count + 1)[:, None] * np.array([0.7548776662466927, 0.5698402909980532])
    return [(float(x), float(y)) for x, y in (0.5 + steps) % 1 * 0.9 + 0.05]


def _pair(facts: SlideFacts, number: int, spot: Spot) -> tuple[LevelRegion, LevelRegion]:
    """Return the same square of the finest level and of level ``number``, around a spot."""
    width, height = facts.size
    downsample = facts.level_downsamples[number]
    side = int(max(_CELLS, min(32, _MOST_LEVEL0_PX // downsample)) // _CELLS * _CELLS)
    wide, high = (min(side, size) for size in facts.level_sizes[number])
    x, y = (
        int(max(0.0, fraction * total - side * downsample / 2) / downsample) * downsample
        for fraction, total in zip(spot, (width, height), strict=True)
    )
    fine = LevelRegion(round(x), round(y), 0, round(wide * downsample), round(high * downsample))
    return fine, LevelRegion(round(x), round(y), number, wide, high)


def _cells(source: RegionSource, region: LevelRegion) -> NDArray[np.float64] | None:
    """Return a square as the mean colours of 8 x 8 cells, [8, 8, 3]; None where it cannot be read."""
    try:
        pixels = source.region(region)
    except (SlideError, TileError):
        return None
    cells = Image.fromarray(pixels).resize((_CELLS, _CELLS), Image.Resampling.BOX)
    return np.asarray(cells).astype(np.float64)
