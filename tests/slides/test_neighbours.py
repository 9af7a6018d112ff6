"""Squares are read block by block, each once."""

import numpy as np

from tasks.slides.neighbours import neighbours_together
from tasks.tiling.grid import choose, lay_grid
from tasks.tiling.recipe import TilingRecipe
from tests._support.geometries import geometry_of


def test_neighbours_are_read_together_and_each_tile_once():
    grid = lay_grid(geometry_of(64 * 20, 64 * 12), TilingRecipe(mpp=1, tile_px=64))
    positions = choose(grid, np.ones((12, 20), dtype=bool))
    order = neighbours_together(positions.x, positions.y, positions.extent, block=4)
    assert sorted(order) == list(range(240))
    for first in range(0, 240, 16):
        block = order[first : first + 16]
        assert np.ptp(positions.rows[block]) == np.ptp(positions.columns[block]) == 3
