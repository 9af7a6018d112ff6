import numpy as np
import pytest

from tasks.tiling.coverage import fraction_at, overlaps, tissue_fraction
from tasks.tiling.grid import Grid, choose
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


def test_sums_are_those_of_matrices_and_memory_does_not_grow_with_the_rows():
    rng = np.random.default_rng(1)
    mask = rng.random((700, 90)) < 0.3
    grid = Grid(np.arange(0, 90 * 8 - 50, 41.3), np.arange(0, 700 * 8 - 50, 37.7), 50.0)

    def matrix(starts, pixels):
        edges = np.arange(pixels)
        begin = np.maximum(starts[:, None] / 8, edges)
        return np.maximum(0, np.minimum(starts[:, None] / 8 + 50 / 8, edges + 1) - begin) / (50 / 8)

    expected = matrix(grid.ys, 700) @ mask.astype(float) @ matrix(grid.xs, 90).T
    np.testing.assert_allclose(tissue_fraction(tissue(mask), grid), expected, rtol=0, atol=1e-14)


def test_tiles_anywhere_have_the_fraction_of_the_grid_to_the_last_bit():
    rng = np.random.default_rng(2)
    slide = tissue(rng.random((60, 80)) < 0.5)
    grid = Grid(np.array([3.3, 55.1, 700.0]), np.array([0.0, 101.7, 460.0]), 47.3)
    everywhere = choose(grid, np.ones((3, 3), dtype=bool))
    np.testing.assert_array_equal(fraction_at(slide, everywhere), tissue_fraction(slide, grid).ravel())


def test_the_weights_of_an_interval_add_up_to_the_part_inside():
    found = overlaps(np.array([-0.5, 2.25, 8.5]), 1.5, 10)
    np.testing.assert_allclose(found.weight.sum(axis=1), [1 / 1.5, 1, 1])
    assert found.pixel.min() >= 0
    assert found.pixel.max() < 10
