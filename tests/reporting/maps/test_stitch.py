import numpy as np
import pandas as pd
import pytest
from skimage.measure import block_reduce

from tasks.artifacts.attributions import PixelMaps, create_maps
from tasks.reporting.maps.canvas import MapCanvas
from tasks.reporting.maps.stitch import smoothed, stitch, stitch_attributions


def tiles_at(*places, extent=4.0):
    return pd.DataFrame(
        [(x, y, extent) for x, y in places], columns=["x_level0", "y_level0", "extent_level0"]
    )


def canvas(width, height, step=1.0, left=0.0, top=0.0):
    return MapCanvas(left=left, top=top, step_x=step, step_y=step, width=width, height=height)


def numbers(count, side=4):
    return np.random.default_rng(0).normal(size=(count, side, side)).astype(np.float32)


def test_tiles_on_the_pixel_grid_are_copied_bit_for_bit_and_the_rest_is_nan():
    maps = numbers(2)
    out = stitch(canvas(10, 5), tiles_at((0, 0), (5, 1)), maps)
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out[0:4, 0:4], maps[0])
    np.testing.assert_array_equal(out[1:5, 5:9], maps[1])
    assert np.isnan(out).sum() == 50 - 32


def test_overlapping_tiles_are_averaged():
    maps = numbers(2)
    out = stitch(canvas(6, 4), tiles_at((0, 0), (2, 0)), maps)
    expected = (maps[0][:, 2:].astype(float) + maps[1][:, :2]) / 2
    np.testing.assert_allclose(out[:, 2:4], expected, rtol=1e-6)
    np.testing.assert_array_equal(out[:, :2], maps[0][:, :2])


def test_a_tile_half_a_pixel_off_is_shared_between_neighbours():
    row = np.array([[[2.0, 4.0]]])
    tile = np.repeat(row, 2, axis=1)
    out = stitch(canvas(4, 3), tiles_at((0.5, 0.0), extent=2.0), tile)
    np.testing.assert_allclose(out[0], [2.0, 3.0, 4.0, np.nan])


def test_a_coarser_canvas_is_the_block_mean():
    maps = numbers(1, side=12)
    out = stitch(canvas(4, 4, step=3.0), tiles_at((0, 0), extent=12.0), maps)
    np.testing.assert_allclose(out, block_reduce(maps[0], (3, 3), np.mean), rtol=1e-5)


def test_any_canvas_keeps_the_mean_of_a_map():
    maps = numbers(1, side=12) + 5
    out = stitch(canvas(7, 7, step=12 / 7), tiles_at((0, 0), extent=12.0), maps)
    assert np.mean(out) == pytest.approx(np.mean(maps), rel=1e-6)


def test_what_lies_outside_the_canvas_is_cut_off():
    maps = numbers(4)
    out = stitch(canvas(4, 4), tiles_at((-2, -2), (3, 3), (40, 0), (-9, 0)), maps)
    np.testing.assert_array_equal(out[:2, :2], maps[0][2:, 2:])
    assert out[3, 3] == maps[1][0, 0]
    assert np.isfinite(out).sum() == 5


def test_rounding_errors_of_positions_make_no_extra_pixel():
    maps = numbers(1)
    out = stitch(canvas(6, 6), tiles_at((0.9999999999, 1.0000000001)), maps)
    np.testing.assert_allclose(out[1:5, 1:5], maps[0], rtol=1e-6)
    assert np.isfinite(out).sum() == 16


def test_smoothing_spreads_a_value_within_tiles_alone_and_keeps_a_constant():
    values = np.full((9, 12), 2.0, np.float32)
    values[:, 8:] = np.nan
    out = smoothed(values, (1.5, 1.5))
    np.testing.assert_allclose(out[:, :8], 2.0, rtol=1e-6)
    assert np.isnan(out[:, 8:]).all()
    spot = np.zeros((21, 21), np.float32)
    spot[10, 10] = 1.0
    inside = smoothed(spot, (2.0, 2.0))[10, 7:14]
    np.testing.assert_allclose(inside / inside[3], np.exp(-(np.arange(-3, 4) ** 2) / 8), rtol=1e-3)
    np.testing.assert_array_equal(smoothed(spot, (0.0, 0.0)), spot)


def test_batches_do_not_change_a_value(tmp_path):
    maps, places = numbers(7), tiles_at(*[(3 * i, i % 2) for i in range(7)])
    create_maps(tmp_path, 7, 4)[:] = maps
    canvases = (canvas(25, 6), canvas(9, 3, step=2.8))
    for one in canvases:
        found = stitch_attributions(one, places, PixelMaps(tmp_path), batch=3)
        np.testing.assert_array_equal(found, stitch(one, places, maps))
