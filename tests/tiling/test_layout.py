import logging

import numpy as np
import pytest

from tasks.phantoms.files import write_pyramid
from tasks.slides.coordinates import TileSide, write_coordinates
from tasks.slides.errors import SlideError
from tasks.slides.reader import open_slide
from tasks.tiling.layout import lay_out, median_level
from tasks.tiling.recipe import TilingRecipe
from tests._support import stained_scenes as scenes
from tests._support.real_data import real_data

RECIPE = TilingRecipe(mpp=scenes.MPP, tile_px=scenes.TILE_PX)


def laid_out(folder, pixels, recipe=RECIPE, coordinates=None):
    path = folder / "a.tiff"
    write_pyramid(path, pixels, scenes.MPP, quality=92)
    with open_slide(path, None) as slide:
        return lay_out(slide, recipe, "slide a", coordinates)


def stated(folder, positions, extent=float(scenes.TILE_PX), layout="trident"):
    """Write a coordinate file for a scene."""
    write_pyramid(folder / "b.tiff", scenes.plain(), scenes.MPP, quality=92)
    with open_slide(folder / "b.tiff", None) as slide:
        geometry = slide.geometry
    x, y = np.array(positions, dtype=float).T
    path = folder / "a.h5"
    write_coordinates(path, x, y, TileSide(scenes.TILE_PX, extent, extent), layout, geometry)
    return path


@pytest.mark.parametrize(
    "scene",
    [
        scenes.plain,
        lambda: scenes.canvas((4, 2, 6)),
        lambda: scenes.glass_of((240, 226, 176)),
        lambda: scenes.with_pen((30, 60, 170)),
        scenes.flat_pale_with_brown,
        scenes.unevenly_lit,
    ],
    ids=["plain", "canvas", "yellowed", "pen", "pale", "uneven"],
)
def test_the_tiles_are_those_of_the_box(tmp_path, scene):
    layout = laid_out(tmp_path, scene())
    assert 186 <= len(layout.positions) <= 192
    assert layout.positions.x.min() >= 128 - scenes.TILE_PX / 2
    assert layout.sections.max() == 1


@pytest.mark.parametrize("colour", [(4, 2, 6), (0, 0, 0), (128, 128, 128), (200, 200, 200)])
def test_canvas_is_named_on_a_compressed_slide_too(tmp_path, colour):
    layout = laid_out(tmp_path, scenes.canvas(colour))
    assert 0.17 < layout.tissue.class_fractions()["canvas"] < 0.21
    assert 186 <= len(layout.positions) <= 192


def test_without_glass_all_tiles_are_taken(tmp_path):
    assert len(laid_out(tmp_path, scenes.all_tissue()).positions) >= 630


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "tiles", "rule"),
    [
        ("dark_canvas/black_level_4_2_6.tif", 192, "saturation"),
        ("tissue/ihc_dab.tif", 192, "glass"),
        ("tissue/yellowed_glass.tif", 192, "glass"),
    ],
)
def test_slides_that_came_out_wrong_come_out_right(name, tiles, rule):
    with open_slide(real_data(f"faults/{name}"), None) as slide:
        layout = lay_out(slide, TilingRecipe(mpp=0.5), "slide a")
    assert len(layout.positions) == tiles
    assert layout.tissue.notes.rule == rule


def test_much_doubt_is_said_and_little_is_not(tmp_path, caplog):
    recipe = RECIPE.model_copy(update={"tissue_rule": "saturation"})
    with caplog.at_level(logging.WARNING, "veritile.tiling"):
        laid_out(tmp_path, scenes.plain(), recipe)
        assert not caplog.records
        laid_out(tmp_path, scenes.flat_pale_with_brown(), recipe)
        laid_out(tmp_path, scenes.plain()[..., ::-1])
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("slide a: ")
    assert "% of the tissue is in doubt (pale " in first
    assert "red and blue seem to be swapped" in second


def test_stated_tiles_are_taken_as_they_are_in_their_order(tmp_path):
    corners = [(133, 101), (128, 240), (20, 30), (490, 300)]
    layout = laid_out(tmp_path, scenes.plain(), coordinates=stated(tmp_path, corners))
    np.testing.assert_array_equal(np.stack([layout.positions.x, layout.positions.y], 1), corners)
    assert layout.positions.extent == scenes.TILE_PX
    assert layout.fractions[:2].min() > 0.97
    np.testing.assert_array_equal(layout.fractions[2:], 0)
    np.testing.assert_array_equal(layout.section, [1, 1, 0, 0])


def test_the_tiles_of_the_grid_stated_give_the_same_layout(tmp_path):
    grid = laid_out(tmp_path, scenes.plain())
    corners = np.stack([grid.positions.x, grid.positions.y], 1)
    again = laid_out(tmp_path, scenes.plain(), coordinates=stated(tmp_path, corners, layout="clam"))
    np.testing.assert_array_equal(again.fractions, grid.fractions)
    np.testing.assert_array_equal(again.section, grid.section)
    np.testing.assert_array_equal(again.positions.rows, grid.positions.rows)
    np.testing.assert_array_equal(again.positions.columns, grid.positions.columns)


@pytest.mark.parametrize(("extent", "refused"), [(16.3, False), (16.5, True), (11.2, True), (32.0, True)])
def test_tiles_of_another_size_than_the_recipe_are_refused(tmp_path, extent, refused):
    path = stated(tmp_path, [(128, 100)], extent=round(extent * 10) / 10)
    with_extent(path, extent)
    if not refused:
        assert laid_out(tmp_path, scenes.plain(), coordinates=path).positions.extent == extent
        return
    with pytest.raises(
        SlideError, match=rf"slide a: the tiles of a.h5 are {extent:g} level-0 px, .* 2% are allow"
    ):
        laid_out(tmp_path, scenes.plain(), coordinates=path)


def with_extent(path, extent):
    import h5py

    with h5py.File(path, "r+") as file:
        file["coords"].attrs["patch_size_level0"] = extent


@pytest.mark.parametrize("count", [1, 2, 3, 40, 41])
def test_the_colour_of_the_glass_is_the_median_of_its_pixels_rounded_down(count):
    """Against numpy's median of a copy of the pixels, which is the definition."""
    generator = np.random.default_rng(count)
    pixels = generator.integers(0, 256, (300, 7, 3), dtype=np.uint8)
    where = np.zeros((300, 7), dtype=np.bool_)
    where.ravel()[generator.choice(where.size, count, replace=False)] = True
    wanted = np.median(pixels[where], axis=0).astype(np.uint8).tolist()
    assert [median_level(pixels[..., channel], where) for channel in range(3)] == wanted
