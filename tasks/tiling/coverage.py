"""How much of each tile a low-resolution mask covers, by exact area."""

import numpy as np
from numpy.typing import NDArray

from tasks.tiling.grid import Floats, Grid
from tasks.tiling.tissue import Tissue


def tissue_fraction(tissue: Tissue, grid: Grid) -> Floats:
    """Return the share of tissue of every tile of the grid, float64 [rows, columns] in [0, 1].

    The share is an area: a mask pixel that a tile cuts counts by the part inside. Outside the slide there is
    no tissue.
    """
    height, width = tissue.mask.shape
    across = _overlap(grid.xs / tissue.downsample_x, grid.extent / tissue.downsample_x, width)
    down = _overlap(grid.ys / tissue.downsample_y, grid.extent / tissue.downsample_y, height)
    covered: Floats = down @ tissue.mask.astype(np.float64) @ across.T
    return covered


def _overlap(starts: Floats, extent: float, pixels: int) -> Floats:
    """Return how much of each interval each unit pixel covers, [intervals, pixels]; rows sum to 1 inside."""
    edges: NDArray[np.float64] = np.arange(pixels, dtype=np.float64)
    begin = np.maximum(starts[:, None], edges)
    end = np.minimum(starts[:, None] + extent, edges + 1)
    overlap: Floats = np.maximum(0.0, end - begin) / extent
    return overlap
