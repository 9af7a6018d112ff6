import numpy as np
import pandas as pd
import pytest

from tasks.tiling.draw import draw_grid, draw_tissue
from tasks.tiling.tissue import CANVAS, PEN, Tissue
from tests._support.geometries import geometry_of
from tests._support.slide_files import glass

GEOMETRY = geometry_of(800, 400, thumbnail=(400, 200))


def table(*labels, failed=()):
    return pd.DataFrame(
        {
            "x_level0": [100.0 * i for i in range(len(labels))],
            "y_level0": 200.0,
            "extent_level0": 100.0,
            "label": labels,
            "state": ["failed" if i in failed else "ok" for i in range(len(labels))],
        }
    )


def test_a_tile_is_drawn_where_the_geometry_says_in_the_colour_of_its_label():
    page = np.asarray(draw_grid(glass(400, 200), GEOMETRY, table("normal", "tumour"), ("normal", "tumour")))
    assert page[100, 25].tolist() == [0, 114, 178]
    assert page[100, 75].tolist() == [213, 94, 0]
    assert page[149, 99].tolist() == [213, 94, 0]
    assert page[125, 110].tolist() == page[90, 25].tolist() == [245, 243, 246]
    assert page[125, 25, 0] < page[125, 75, 0]


def test_failed_tiles_are_crossed_and_the_legend_lies_below():
    page = draw_grid(glass(400, 200), GEOMETRY, table("", "mixed", failed=(1,)), ("normal", "tumour"))
    assert page.size == (400, 226)
    pixels = np.asarray(page)
    assert pixels[125, 75].tolist() == [0, 0, 0]
    assert pixels[125, 25].tolist() != [0, 0, 0]
    assert (pixels[200:] != 255).any()


def test_what_is_no_tissue_is_pale_and_a_section_has_an_edge():
    sections = np.zeros((50, 100), dtype=np.int32)
    sections[10:40, 20:60] = 1
    tissue = Tissue(sections > 0, 8.0, 8.0, 64.0, 0.1)
    thumbnail = np.full((200, 400, 3), 90, dtype=np.uint8)
    page = np.asarray(draw_tissue(thumbnail, GEOMETRY, tissue, sections))
    assert page[5, 5].tolist() == [200, 200, 200]
    assert page[60, 100].tolist() == [90, 90, 90]
    assert page[40, 150].tolist() == [0, 114, 178]
    assert page[39, 150].tolist() == [200, 200, 200]
    assert (thumbnail == 90).all()


def test_artefacts_are_tinted_doubt_is_hatched_and_the_legend_gives_their_shares():
    sections = np.zeros((50, 100), dtype=np.int32)
    sections[10:40, 20:60] = 1
    classes = (sections > 0).astype(np.uint8)
    classes[:, :5] = CANVAS
    classes[:, 90:] = PEN
    doubt = np.zeros((50, 100), dtype=bool)
    doubt[10:40, 20:40] = True
    tissue = Tissue(sections > 0, 8.0, 8.0, 64.0, 0.1, classes, doubt)
    thumbnail = np.full((200, 400, 3), 90, dtype=np.uint8)
    page = draw_tissue(thumbnail, GEOMETRY, tissue, sections)
    assert page.size == (400, 226)
    pixels = np.asarray(page)
    assert pixels[100, 5].tolist() == [200 // 3 + 60 // 3 * 2] * 3
    assert pixels[100, 380, 0] > pixels[100, 380, 2] + 50
    hatched = (pixels[50:150, 90:150] == (240, 228, 66)).all(axis=-1)
    assert 0.4 < hatched.mean() < 0.6
    assert not (pixels[50:150, 170:230] == (240, 228, 66)).all(axis=-1).any()
    assert (pixels[200:] != 255).any()


@pytest.mark.parametrize("extent", [64.0, 98.0, 300.0])
def test_tiles_smaller_than_a_pixel_of_the_thumbnail_are_drawn(extent):
    """A slide of 100,352 pixels with tiles of 64: a tile is two thirds of a pixel."""
    wide = geometry_of(100_352, 100_352, thumbnail=(1024, 1024))
    places = np.arange(5) * extent
    tiles = pd.DataFrame({"x_level0": places, "y_level0": places, "extent_level0": extent})
    page = draw_grid(glass(1024, 1024), wide, tiles.assign(label="tumour", state="ok"), ("normal", "tumour"))
    assert np.asarray(page)[0, 0].tolist() == [213, 94, 0]
