import pytest

from tasks.reporting.maps.canvas import analysis_canvas, thumbnail_canvas
from tests._support.heatmap_jobs import geometry, make_slide


def test_the_thumbnail_canvas_places_pixels_where_the_geometry_does():
    contract = geometry()
    canvas = thumbnail_canvas(contract)
    x, y = contract.thumbnail_to_level0(31.0, 57.0)
    assert canvas.left + 31 * canvas.step_x == pytest.approx(x)
    assert canvas.top + 57 * canvas.step_y == pytest.approx(y)
    assert (canvas.width, canvas.height) == (74, 111)


def test_the_analysis_canvas_covers_the_tiles_at_the_networks_resolution(tmp_path):
    table = make_slide(tmp_path).table
    canvas = analysis_canvas(table, tile_px=16, max_side_px=1000)
    assert (canvas.step_x, canvas.left, canvas.top) == (2.0, 0.0, 0.0)
    assert (canvas.width, canvas.height) == (5 * 16, 8 * 16)


def test_a_long_canvas_is_made_coarser_by_a_whole_factor(tmp_path):
    table = make_slide(tmp_path).table
    canvas = analysis_canvas(table, tile_px=16, max_side_px=64)
    assert canvas.step_x == 4.0
    assert (canvas.width, canvas.height) == (40, 64)
