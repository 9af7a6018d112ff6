"""How much of each tile a low-resolution mask covers, by exact area."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.tiling.grid import Floats, Grid, TilePositions
from tasks.tiling.tissue import Tissue

_TILE_ROWS = 32


@dataclass(frozen=True)
class Overlaps:
    """How intervals cover unit pixels: interval ``i`` covers pixel ``pixel[i, j]`` by ``weight[i, j]``.

    Attributes:
        pixel: intp [intervals, reach], always inside; where the interval ends before, the weight is 0.
        weight: float64 [intervals, reach], share of the interval; a row sums to 1 where all of it is inside.
    """

    pixel: NDArray[np.intp]
    weight: Floats


def tissue_fraction(tissue: Tissue, grid: Grid) -> Floats:
    """Return the share of tissue of every tile of the grid, float64 [rows, columns] in [0, 1].

    The share is an area: a mask pixel that a tile cuts counts by the part inside. Outside the slide there is
    no tissue. Sums run in a fixed order, so their bits depend on no number of threads, and over some rows of
    tiles at a time, so that memory does not grow with the height of the slide.
    """
    height, width = tissue.mask.shape
    across = overlaps(grid.xs / tissue.downsample_x, grid.extent / tissue.downsample_x, width)
    down = overlaps(grid.ys / tissue.downsample_y, grid.extent / tissue.downsample_y, height)
    covered = np.zeros((len(grid.ys), len(grid.xs)), dtype=np.float64)
    for start in range(0, len(grid.ys), _TILE_ROWS):
        rows = slice(start, start + _TILE_ROWS)
        summed = np.zeros((len(down.pixel[rows]), width), dtype=np.float64)
        for pixel, weight in zip(down.pixel[rows].T, down.weight[rows].T, strict=True):
            summed += weight[:, None] * tissue.mask[pixel]
        for pixel, weight in zip(across.pixel.T, across.weight.T, strict=True):
            covered[rows] = _fused(covered[rows], summed[:, pixel], weight)
    return covered


def fraction_at(tissue: Tissue, positions: TilePositions) -> Floats:
    """Return the share of tissue of tiles at any positions, float64 [N], as :func:`tissue_fraction` does."""
    height, width = tissue.mask.shape
    across = overlaps(positions.x / tissue.downsample_x, positions.extent / tissue.downsample_x, width)
    down = overlaps(positions.y / tissue.downsample_y, positions.extent / tissue.downsample_y, height)
    covered = np.zeros(len(positions), dtype=np.float64)
    for columns, across_weight in zip(across.pixel.T, across.weight.T, strict=True):
        column = np.zeros(len(positions), dtype=np.float64)
        for rows, down_weight in zip(down.pixel.T, down.weight.T, strict=True):
            column += down_weight * tissue.mask[rows, columns]
        covered = _fused(covered, column, across_weight)
    return covered


def overlaps(starts: Floats, extent: float, pixels: int) -> Overlaps:
    """Return how intervals of one length cover unit pixels.

    Args:
        starts: where the intervals begin, in pixels, [N].
        extent: their length in pixels.
        pixels: how many pixels there are, from 0.
    """
    first = np.floor(starts).astype(np.intp)
    pixel = first[:, None] + np.arange(int(np.ceil(extent)) + 1)[None, :]
    begin = np.maximum(starts[:, None], pixel)
    end = np.minimum(starts[:, None] + extent, pixel + 1)
    inside = (pixel >= 0) & (pixel < pixels)
    weight = np.where(inside, np.maximum(0.0, end - begin) / extent, 0.0)
    return Overlaps(np.clip(pixel, 0, pixels - 1), weight)


def _fused(total: Floats, values: Floats, weights: Floats) -> Floats:
    """Return ``total + values * weights``, rounded once, as processors do that multiply and add at once."""
    exact = total.astype(np.longdouble) + values.astype(np.longdouble) * weights.astype(np.longdouble)
    rounded: Floats = exact.astype(np.float64)
    return rounded
