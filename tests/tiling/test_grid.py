import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.tiling.grid import choose, lay_grid
from tasks.tiling.recipe import TilingRecipe
from tests._support.geometries import geometry_of


def test_a_known_grid():
    grid = lay_grid(geometry_of(1000, 700, mpp=0.5), TilingRecipe(mpp=1.0, tile_px=64))
    assert grid.extent == 128
    np.testing.assert_array_equal(grid.xs, np.arange(7) * 128)
    np.testing.assert_array_equal(grid.ys, np.arange(5) * 128)
    assert grid.size == 35


def test_a_slide_of_whole_tiles_is_filled_to_the_edge():
    geometry = geometry_of(1920, 1280, mpp=0.68799999999999994)
    grid = lay_grid(geometry, TilingRecipe(mpp=0.688, tile_px=64))
    assert (len(grid.xs), len(grid.ys)) == (30, 20)


@settings(deadline=None)
@given(st.floats(0.1, 2.0), st.floats(1.0, 4.0), st.integers(16, 300), st.integers(200, 60_000))
def test_nothing_drifts_and_nothing_leaves_the_slide(mpp, times, tile_px, width):
    recipe = TilingRecipe(mpp=mpp * times, tile_px=tile_px)
    grid = lay_grid(geometry_of(width, 200, mpp=mpp), recipe)
    wanted = np.arange(len(grid.xs)) * recipe.stride_um
    np.testing.assert_allclose(grid.xs * mpp, wanted, rtol=0, atol=1e-6)
    if len(grid.xs):
        assert grid.xs[-1] + grid.extent <= width + 1e-3
        assert grid.xs[-1] + grid.extent + recipe.stride_um / mpp > width


def test_tiles_may_overlap_and_the_scanned_area_is_where_they_start():
    geometry = geometry_of(1000, 1000, bounds=(100, 50, 160, 128))
    grid = lay_grid(geometry, TilingRecipe(mpp=1, tile_px=64, stride_px=32))
    np.testing.assert_array_equal(grid.xs, [100, 132, 164, 196])
    np.testing.assert_array_equal(grid.ys, [50, 82, 114])


def test_a_slide_smaller_than_a_tile_has_none():
    assert lay_grid(geometry_of(63, 640), TilingRecipe(mpp=1, tile_px=64)).size == 0


def test_chosen_tiles_run_row_by_row():
    grid = lay_grid(geometry_of(192, 128), TilingRecipe(mpp=1, tile_px=64))
    positions = choose(grid, np.array([[True, False, True], [True, True, False]]))
    assert list(zip(positions.x, positions.y, strict=True)) == [(0, 0), (128, 0), (0, 64), (64, 64)]
    assert len(positions) == 4
