import numpy as np
import pytest

from tasks.tiling.coverage import tissue_fraction
from tasks.tiling.grid import Grid
from tasks.tiling.tissue import Tissue


def tissue(mask, downsample=8.0):
    return Tissue(mask, downsample, downsample, 64.0, 0.1)


def test_a_cut_pixel_counts_by_the_part_inside():
    mask = np.zeros((4, 4), dtype=bool)
    mask[1, 1] = True  # level-0 pixels 8 to 16
    grid = Grid(np.array([0.0, 4.0, 12.0]), np.array([8.0, 10.0]), 8.0)
    np.testing.assert_allclose(tissue_fraction(tissue(mask), grid), [[0, 0.5, 0.5], [0, 0.375, 0.375]])


def test_it_agrees_with_counting_on_a_fine_raster():
    rng = np.random.default_rng(0)
    mask = rng.random((20, 30)) < 0.4
    grid = Grid(np.array([3.0, 50.0, 101.0]), np.array([7.0, 88.0]), 37.0)
    fine = np.kron(mask, np.ones((8, 8)))
    expected = [[fine[int(y) : int(y) + 37, int(x) : int(x) + 37].mean() for x in grid.xs] for y in grid.ys]
    np.testing.assert_allclose(tissue_fraction(tissue(mask), grid), expected)


def test_outside_the_slide_there_is_no_tissue():
    grid = Grid(np.array([8.0]), np.array([0.0]), 16.0)
    assert tissue_fraction(tissue(np.ones((2, 2), dtype=bool)), grid) == pytest.approx(0.5)
