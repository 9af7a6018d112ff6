import json

import numpy as np
import pytest

from tasks.slides.errors import SlideError
from tasks.slides.info import read_info
from tasks.tiling.build import tile_slide
from tasks.tiling.inspection import InspectionJob, inspect_slide
from tasks.tiling.recipe import TilingRecipe, tiling_recipe
from tests._support.on_demand import tiles_in
from tests._support.tile_images import CORNERS, png, tile_pixels, write_list, write_tiles

RECIPE = TilingRecipe(mpp=4.0, tile_px=16)


def tiled(root, row, recipe=RECIPE):
    out = root / "out"
    out.mkdir(exist_ok=True)
    tile_slide(row, root, recipe, out)
    return tiles_in(out, root, row)


@pytest.mark.parametrize("archive", [False, True])
@pytest.mark.parametrize("keep", ["none", "pixels"])
def test_the_tiles_of_a_list_are_its_images_with_their_labels(tmp_path, archive, keep):
    row = write_tiles(tmp_path, archive=archive)
    tiles = tiled(tmp_path, row, RECIPE.model_copy(update={"keep": keep}))
    table = tiles.table
    assert list(zip(table.x_level0, table.y_level0, strict=True)) == list(CORNERS)
    assert table.label.tolist() == ["normal", "tumour", "", "tumour"]
    assert table.state.eq("ok").all()
    np.testing.assert_array_equal(tiles.pixels[np.arange(4)], [tile_pixels(i) for i in range(4)])
    np.testing.assert_array_equal(table.coverage_tumour, [0, 1, np.nan, 1])
    assert (tiles.tissue_mask[np.arange(4)] == 1).all()
    for number, index in enumerate((0, 1, 0, 1)):
        assert (tiles.annotation_mask[number] == index).all()
    info = read_info(tiles.folder)
    assert (info.labels_from, info.weak_labels, info.reader) == ("list", False, "list")
    assert (tiles.folder / "thumbnail.png").is_file()


def test_the_same_list_gives_the_same_bytes(tmp_path):
    row = write_tiles(tmp_path)
    first = {p.name: p.read_bytes() for p in tiled(tmp_path, row).folder.iterdir()}
    (tmp_path / "again").mkdir()
    tile_slide(row, tmp_path, RECIPE, tmp_path / "again")
    assert first == {p.name: p.read_bytes() for p in (tmp_path / "again").iterdir()}


def write_odd(root):
    """Write 20 tiles, of which the last is smaller."""
    for number in range(20):
        height = 9 if number == 19 else 16
        (root / f"t{number}.png").write_bytes(png(tile_pixels(number, 16, height)))
    return write_list(root, [(f"t{i}.png", 16 * i, 0, 16, 9 if i == 19 else 16, "normal") for i in range(20)])


def test_a_tile_of_another_size_fails_with_its_reason(tmp_path):
    row = write_odd(tmp_path)
    tiles = tiled(tmp_path, row)
    last = tiles.table.iloc[19]
    assert (last.state, last.reason) == (
        "failed",
        "t19.png has 16 x 9 px, and tiles of this list have 16 x 16",
    )
    assert (tiles.pixels[19] == 255).all()
    assert last.pixels_crc32 == 0
    with pytest.raises(SlideError, match=r"stopped at 1 of 20 tiles.*t19.png has 16 x 9"):
        tile_slide(row, tmp_path, RECIPE.model_copy(update={"max_failed_tiles": 0.0}), tiles.folder)


def test_a_tile_of_another_size_is_padded_where_the_study_says_so(tmp_path):
    tiles = tiled(tmp_path, write_odd(tmp_path), RECIPE.model_copy(update={"odd_sized": "pad"}))
    assert tiles.table.state.eq("ok").all()
    np.testing.assert_array_equal(tiles.pixels[19][:9], tile_pixels(19, 16, 9))
    assert (tiles.pixels[19][9:] == 255).all()
    assert tiles.table.tissue_fraction.iloc[19] == 9 / 16


def test_padding_is_no_word_in_recipes_that_do_not_ask_for_it():
    assert "odd_sized" not in tiling_recipe(RECIPE)
    assert tiling_recipe(RECIPE.model_copy(update={"odd_sized": "pad"}))["odd_sized"] == "pad"


def test_tiles_at_another_resolution_are_resampled_each_alone(tmp_path):
    row = write_tiles(tmp_path)
    tiles = tiled(tmp_path, row, TilingRecipe(mpp=8.0, tile_px=8, resample="area"))
    expected = tile_pixels(0).reshape(8, 2, 8, 2, 3).astype(float).mean((1, 3))
    np.testing.assert_allclose(tiles.pixels[0], expected, atol=0.5)


def test_names_of_labels_follow_outline_classes(tmp_path):
    write_tiles(tmp_path)
    row = write_list(tmp_path, [("t0.png", 0, 0, 16, 16, "1"), ("t1.png", 16, 0, 16, 16, "x")])
    with pytest.raises(SlideError, match=r"'1' \(1\), 'x' \(1\) is no class; the names of its tiles"):
        tiled(tmp_path, row)
    meant = RECIPE.model_copy(update={"outline_classes": {"1": "tumour", "x": "ignore"}})
    assert tiled(tmp_path, row, meant).table.label.tolist() == ["tumour", ""]


def test_the_label_of_the_slide_is_no_tiles_label(tmp_path):
    write_tiles(tmp_path)
    row = write_list(tmp_path, [("t0.png", 0, 0, 16, 16, "")]).model_copy(update={"label": "tumour"})
    assert not row.is_weakly_labelled("normal")
    tiles = tiled(tmp_path, row)
    assert tiles.table.label.tolist() == [""]
    info = read_info(tiles.folder)
    assert (info.labels_from, info.notes) == (
        "nothing",
        ("a: its slide file states no label; its tiles have none",),
    )


def test_a_positive_tile_on_a_slide_of_the_first_class_is_refused(tmp_path):
    row = write_tiles(tmp_path).model_copy(update={"label": "normal"})
    with pytest.raises(SlideError, match=r"label is 'normal', and 2 tiles of the list are 'tumour'"):
        tiled(tmp_path, row)


def test_outlines_label_the_tiles_where_the_manifest_names_them(tmp_path):
    row = write_tiles(tmp_path)
    ring = [[48, 32], [64, 32], [64, 48], [48, 48], [48, 32]]
    feature = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"classification": {"name": "tumour"}},
    }
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    tiles = tiled(tmp_path, row.model_copy(update={"annotation": "a.geojson"}))
    assert tiles.table.label.tolist() == ["normal", "normal", "tumour", "normal"]


@pytest.mark.parametrize(
    ("recipe", "changed", "said"),
    [
        (TilingRecipe(mpp=4.0, tile_px=32), {}, r"have 16 px, 64.0 um at 4 um/px, and tile_px 32"),
        (TilingRecipe(mpp=1.0, tile_px=64), {}, "enlarging up to 1.25 times is allowed"),
        (RECIPE, {"coordinates": "a.h5"}, "leave coordinates empty"),
        (RECIPE, {"mpp": None}, "the manifest has no mpp"),
    ],
)
def test_a_list_that_does_not_fit_the_study_is_refused(tmp_path, recipe, changed, said):
    row = write_tiles(tmp_path).model_copy(update=changed)
    with pytest.raises(SlideError, match=said):
        tiled(tmp_path, row, recipe)
    assert inspect_slide(InspectionJob(row, tmp_path, recipe)).problem


def test_an_inspection_counts_the_tiles_of_a_list(tmp_path):
    found = inspect_slide(InspectionJob(write_tiles(tmp_path), tmp_path, RECIPE))
    assert (found.problem, found.tiles) == ("", 4)
    assert found.labels == {"": 1, "normal": 1, "tumour": 2}
