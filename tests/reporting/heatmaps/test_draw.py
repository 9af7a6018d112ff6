import dataclasses

import numpy as np
import pytest
from PIL import Image

from tasks.reporting.heatmaps.draw import HeatmapInfo, draw_slide
from tasks.reporting.heatmaps.sheet import SheetGrid
from tasks.reporting.heatmaps.tile_sheet import extreme_tiles
from tasks.reporting.maps.job import HeatmapRecipe
from tasks.reporting.maps.scale import ScaledSlide, common_scale
from tasks.reporting.maps.view import view_slide
from tests._support.heatmap_jobs import make_job


def draw(job, folder):
    folder.mkdir()
    return draw_slide(job, folder)


CHECKPOINTS = ("standard_s0", "standard_s1", "modulated_s0", "modulated_s1")
DRAWN = {"sheet.png", "tiles.png", "heatmap.json"} | {
    f"{what}_{name}.png" for what in ("overlay", "probability") for name in CHECKPOINTS
}


BOTH = HeatmapRecipe(exports=("geojson", "ome_tiff"))


def test_every_drawing_is_written_and_no_export_unless_asked_for(tmp_path):
    measures = draw(make_job(tmp_path), tmp_path / "out")
    assert {p.name for p in (tmp_path / "out").iterdir()} == DRAWN
    assert measures["tiles"] == 40


def test_exports_are_made_as_the_recipe_says(tmp_path):
    files = {"geojson": "tiles_{}.geojson.zip", "ome_tiff": "map_{}.ome.tiff"}
    for number, wanted in enumerate((("geojson",), ("ome_tiff",), ("geojson", "ome_tiff"))):
        job = dataclasses.replace(make_job(tmp_path / f"{number}"), recipe=HeatmapRecipe(exports=wanted))
        draw(job, tmp_path / f"out{number}")
        exports = {files[name].format(n) for name in wanted for n in CHECKPOINTS}
        assert {p.name for p in (tmp_path / f"out{number}").iterdir()} == DRAWN | exports


def test_the_description_holds_scale_and_scores_but_no_patient(tmp_path):
    job = dataclasses.replace(make_job(tmp_path), recipe=BOTH)
    draw(job, tmp_path / "out")
    info = HeatmapInfo.model_validate_json((tmp_path / "out" / "heatmap.json").read_text())
    view = view_slide(job)
    assert (info.colour_limit, info.scaled_over) == (view.limit, "slide")
    assert (info.usable_tiles, info.mapped_tiles) == (40, 40)
    assert info.slide_scores == {item.checkpoint.name: item.score for item in view.checkpoints}
    files = list((tmp_path / "out").iterdir())
    assert len(files) == 19
    assert not [path.name for path in files if b"secret-7" in path.read_bytes()]


def test_the_description_says_that_the_scale_is_of_the_study(tmp_path):
    job = make_job(tmp_path)
    slides = [ScaledSlide(job.tiles, {item.name: item.attributions for item in job.checkpoints})]
    draw(dataclasses.replace(job, scale=common_scale(slides, job.recipe.scale)), tmp_path / "out")
    info = HeatmapInfo.model_validate_json((tmp_path / "out" / "heatmap.json").read_text())
    assert info.scaled_over == "study"
    assert info.colour_limit == pytest.approx(view_slide(job).limit, rel=3e-3)


def test_the_same_job_gives_the_same_bytes(tmp_path):
    job = dataclasses.replace(make_job(tmp_path), recipe=BOTH)
    draw(job, tmp_path / "one")
    draw(job, tmp_path / "two")
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_one_seed_and_unsigned_maps_are_drawn_too(tmp_path):
    maps = {("standard", 0): np.abs(np.random.default_rng(0).normal(size=(40, 16, 16)))}
    job = dataclasses.replace(make_job(tmp_path, maps), signed=False)
    draw(job, tmp_path / "out")
    with Image.open(tmp_path / "out" / "sheet.png") as sheet:
        assert sheet.width > 400


def test_the_tile_sheet_shows_the_extremes_of_the_mean_probability(tmp_path):
    job = dataclasses.replace(make_job(tmp_path), recipe=HeatmapRecipe(tiles_shown=2))
    view = view_slide(job)
    means = np.mean([item.tile_probability for item in view.checkpoints], axis=0)
    ids = view.checkpoints[0].tiles["tile_id"].to_numpy()
    order = np.argsort(-means)
    assert extreme_tiles(view) == [ids[order[0]], ids[order[1]], ids[order[-2]], ids[order[-1]]]


def test_many_arms_go_on_in_bands_whose_panels_never_touch():
    arms = tuple(f"arm{i}" for i in range(14))
    grid = SheetGrid(arms, seeds=(0, 1, 2), columns=5, width=100, height=70)
    assert grid.bands == 3
    boxes = [grid.box(None, 0), *(grid.box(arm, seed) for arm in arms for seed in grid.seeds)]
    for one, (left, top, width, height) in enumerate(boxes):
        assert left + width < grid.across
        assert top + height < grid.down
        for other_left, other_top, *_ in boxes[:one]:
            assert abs(left - other_left) > width or abs(top - other_top) > height


def test_of_many_checkpoints_the_tile_sheet_shows_one_seed_an_arm(tmp_path):
    maps = np.random.default_rng(0).normal(size=(40, 16, 16))
    few = make_job(tmp_path / "few", {("a", seed): maps for seed in range(3)})
    many = make_job(tmp_path / "many", {(arm, seed): maps for arm in "abcde" for seed in range(3)})
    heights = []
    for job, folder in ((few, tmp_path / "1"), (many, tmp_path / "2")):
        draw(job, folder)
        with Image.open(folder / "tiles.png") as sheet:
            heights.append(sheet.height)
    assert heights[1] > heights[0]
    row = (heights[1] - heights[0]) / 2
    assert heights[0] > 4 * row > 0
