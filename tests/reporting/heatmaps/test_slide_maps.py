"""Drawings of values of tiles: squares keep their floats, no class is claimed, nothing is smoothed."""

import dataclasses
import json
from zipfile import ZipFile

import numpy as np
import pytest
import shapely.geometry
import tifffile
from PIL import Image

from tasks.artifacts.tile_set import TILES, TileSet
from tasks.reporting.heatmaps.captions import attribution_caption
from tasks.reporting.heatmaps.draw import draw_slide
from tasks.reporting.heatmaps.leading_sheet import leading_tiles
from tasks.reporting.maps.canvas import analysis_canvas
from tasks.reporting.maps.drawn_maps import PaintedTiles
from tasks.reporting.maps.job import HeatmapRecipe
from tasks.reporting.maps.scale import ScaledSlide, common_scale
from tasks.reporting.maps.stitch import stitch_attributions
from tasks.reporting.maps.view import view_slide
from tests._support.slide_heatmaps import make_scores, make_slide_map_job

EXPORTS = HeatmapRecipe(exports=("geojson", "ome_tiff"), smoothing_um=0)


def drawn(job, folder):
    folder.mkdir()
    draw_slide(job, folder)
    return folder


def test_overlays_the_sheet_and_leading_tiles_are_drawn_and_no_probabilities(tmp_path):
    out = drawn(make_slide_map_job(tmp_path), tmp_path / "out")
    assert {path.name for path in out.iterdir()} == {
        "overlay_mean_pool_s0.png", "overlay_abmil_s0.png", "sheet.png", "tiles.png", "heatmap.json",
    }  # fmt: skip
    info = json.loads((out / "heatmap.json").read_text())
    assert info["slide_scores"] == {"mean_pool_s0": 0.75, "abmil_s0": 0.75}
    for path in out.glob("*.png"):
        with Image.open(path) as picture:
            assert min(picture.size) > 100
    assert not [path.name for path in out.iterdir() if b"secret-7" in path.read_bytes()]


def test_at_the_resolution_of_tiles_each_pixel_is_the_float_of_its_tile(tmp_path):
    job = make_slide_map_job(tmp_path)
    item = job.checkpoints[0]
    tiles = job.tiles.table.iloc[job.tiles.usable]
    canvas = analysis_canvas(tiles, 1, 8192)
    painted = stitch_attributions(canvas, tiles, item.attributions)
    assert painted.dtype == np.float32
    own = item.attributions.index["value"].to_numpy()
    assert painted.size == len(own)
    np.testing.assert_array_equal(painted.reshape(-1), own)


def test_squares_that_overlap_hold_their_mean(tmp_path):
    tiles = make_slide_map_job(tmp_path).tiles.table.iloc[:2].copy()
    tiles["x_level0"], tiles["y_level0"], tiles["extent_level0"] = [0, 16], [0, 0], 32
    names = tiles["tile_id"].astype(str).tolist()
    maps = PaintedTiles(make_scores(tmp_path / "scores", {"s": (names, np.array([1.0, 4.0]))}), "s")
    canvas = analysis_canvas(tiles, 2, 8192)
    np.testing.assert_array_equal(stitch_attributions(canvas, tiles, maps), [[1.0, 2.5, 4.0]] * 2)


def test_tiles_without_a_value_stay_empty(tmp_path):
    values = np.linspace(-1, 1, 40)
    values[[0, 7]] = np.nan
    job = make_slide_map_job(tmp_path, {"abmil": values})
    assert len(job.checkpoints[0].attributions.index) == 38
    view = view_slide(job)
    assert view.mapped == 38
    assert "Only 38 of 40 tiles" in attribution_caption(view)


def test_a_map_of_no_class_says_so_and_has_no_negative_side(tmp_path):
    job = make_slide_map_job(tmp_path, {"abmil": np.linspace(0, 1, 40)}, signed=False, class_free=True)
    words = attribution_caption(view_slide(dataclasses.replace(job, recipe=job.recipe.of_tiles)))
    assert "the same whatever class is asked for" in words
    assert "Scale from zero" in words
    assert "margin" not in words
    assert "smoothed" not in words


def test_one_scale_for_all_models_is_the_median_of_their_ends(tmp_path):
    values = {"a": np.full(40, 1.0), "b": np.full(40, 8.0), "c": np.full(40, -3.0)}
    job = make_slide_map_job(tmp_path, values)
    maps = {item.model.label: item.attributions for item in job.checkpoints}
    info = common_scale([ScaledSlide(job.tiles, maps)], HeatmapRecipe().of_tiles.scale)
    assert info.limit == pytest.approx(3.0, rel=0.005)
    assert info.smoothing_um == 0.0


def test_leading_tiles_are_the_highest_and_where_there_is_a_sign_the_lowest(tmp_path):
    job = make_slide_map_job(tmp_path, {"abmil": np.arange(40.0) - 20})
    view = view_slide(job)
    found = leading_tiles(view, view.checkpoints[0])
    assert found.values.tolist() == [19, 18, 17, 16, -17, -18, -19, -20]
    assert found.highest == 4
    free = view_slide(make_slide_map_job(tmp_path / "free", {"abmil": np.arange(40.0)}, signed=False))
    assert leading_tiles(free, free.checkpoints[0]).values.tolist() == list(range(39, 31, -1))


def test_qupath_gets_a_value_per_tile_and_the_sufficient_set_as_one_annotation(tmp_path):
    values = np.arange(40.0)
    job = dataclasses.replace(make_slide_map_job(tmp_path, {"abmil": values}), recipe=EXPORTS)
    out = drawn(job, tmp_path / "out")
    with ZipFile(out / "tiles_abmil_s0.geojson.zip") as archive:
        whole = json.loads(archive.read("tiles_abmil_s0.geojson"))
    tiles = [f for f in whole["features"] if f["properties"]["objectType"] == "tile"]
    assert [f["properties"]["measurements"]["value"] for f in tiles] == values.tolist()
    assert [f["properties"]["measurements"]["rank"] for f in tiles] == list(range(40, 0, -1))
    (marked,) = [f for f in whole["features"] if f["properties"]["objectType"] == "annotation"]
    area = shapely.geometry.shape(marked["geometry"])
    assert area.is_valid
    assert area.area == pytest.approx(3 * 32**2)
    for leading in tiles[-3:]:
        assert area.covers(shapely.geometry.shape(leading["geometry"]))


def test_the_tiff_holds_one_channel_of_floats_a_pixel_per_tile(tmp_path):
    job = dataclasses.replace(make_slide_map_job(tmp_path), recipe=EXPORTS)
    out = drawn(job, tmp_path / "out")
    with tifffile.TiffFile(out / "map_abmil_s0.ome.tiff") as file:
        pixels = file.series[0].levels[0].asarray()
        assert file.pages[0].dtype == np.float32
    own = job.checkpoints[1].attributions.index["value"].to_numpy()
    np.testing.assert_array_equal(pixels[np.isfinite(pixels)], own)


def test_a_slide_without_pixels_is_drawn_on_grey_squares(tmp_path):
    job = make_slide_map_job(tmp_path, {"abmil": np.arange(40.0)}, signed=False)
    table = job.tiles.table.assign(state="failed", reason="there are features and no pixels")
    table.to_parquet(job.tiles.folder / TILES, index=False)
    blank = np.full((111, 74, 3), 255, np.uint8)
    Image.fromarray(blank).save(job.tiles.folder / "thumbnail.png")
    bare = dataclasses.replace(job, tiles=TileSet(job.tiles.folder))
    view = view_slide(bare)
    assert "All 40 tiles were explained." in attribution_caption(view)
    assert (view.mapped, view.usable) == (40, 40)
    # Five tiles of 32 level-0 pixels side by side, of 200.
    inside = view.thumbnail[5, :, 0] < 255
    assert inside.sum() == np.ceil(160 * 74 / 200)
    out = drawn(bare, tmp_path / "out")
    assert (out / "tiles.png").is_file()
