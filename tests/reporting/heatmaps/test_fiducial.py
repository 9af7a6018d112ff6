"""A spot at a given level-0 position must be there in every picture."""

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy.ndimage import center_of_mass

from tasks.reporting.exports.ome_tiff import write_ome_tiff
from tasks.reporting.heatmaps.overlay import HEAD, MARGIN, attribution_overlay, attribution_page
from tasks.reporting.maps.view import view_slide
from tests._support.heatmap_jobs import make_job

SPOT = {"tile": 16, "row": 5, "column": 11}


@pytest.fixture
def view(tmp_path):
    maps = np.zeros((40, 16, 16))
    maps[SPOT["tile"], SPOT["row"] - 1 : SPOT["row"] + 2, SPOT["column"] - 1 : SPOT["column"] + 2] = 1.0
    return view_slide(make_job(tmp_path, {("standard", 0): maps}))


def expected(view):
    """The centre of the spot's pixel in level-0 pixels (two per tile pixel)."""
    tile = view.job.tiles.table.iloc[SPOT["tile"]]
    x = tile["x_level0"] + 2 * (SPOT["column"] + 0.5)
    y = tile["y_level0"] + 2 * (SPOT["row"] + 0.5)
    return (x, y), view.geometry.level0_to_thumbnail(float(x), float(y))


def centre(weights):
    row, column = center_of_mass(np.nan_to_num(weights))
    return column + 0.5, row + 0.5


def redness(image):
    return np.clip(image[..., 0].astype(float) - image[..., 2], 0, None)


def test_in_the_raw_map(view, tmp_path):
    (x, y), _ = expected(view)
    write_ome_tiff(view, view.checkpoints[0], tmp_path / "map.ome.tiff")
    column, row = centre(tifffile.imread(tmp_path / "map.ome.tiff")[0])
    assert view.canvas.left + column * view.canvas.step_x == pytest.approx(x, abs=1e-6)
    assert view.canvas.top + row * view.canvas.step_y == pytest.approx(y, abs=1e-6)


def test_on_the_thumbnail(view):
    _, (x, y) = expected(view)
    assert centre(view.checkpoints[0].attribution) == pytest.approx((x, y), abs=0.1)
    assert centre(redness(attribution_overlay(view, view.checkpoints[0]))) == pytest.approx((x, y), abs=0.5)


def test_in_the_saved_picture(view, tmp_path):
    attribution_page(view, view.checkpoints[0]).save(tmp_path / "page.png")
    page = np.asarray(Image.open(tmp_path / "page.png").convert("RGB"))
    picture = page[HEAD : HEAD + 111, MARGIN : MARGIN + 74]
    _, (x, y) = expected(view)
    assert centre(redness(picture)) == pytest.approx((x, y), abs=1.0)
