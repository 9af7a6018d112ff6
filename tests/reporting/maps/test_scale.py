import dataclasses

import numpy as np
import pytest

from tasks.artifacts.colour_scale import ColourScale
from tasks.reporting.heatmaps.overlay import attribution_overlay
from tasks.reporting.maps.abs_percentile import ROUNDING
from tasks.reporting.maps.job import HeatmapCheckpoint, HeatmapError, HeatmapJob, HeatmapRecipe
from tasks.reporting.maps.scale import ScaledSlide, common_scale, write_scale
from tasks.reporting.maps.thumbnail_map import drawing_surface, mapped_tiles, thumbnail_map
from tasks.reporting.maps.view import view_slide
from tests._support.heatmap_jobs import CLASSES, geometry, make_attributions, make_slide, top_tenth

RECIPE = HeatmapRecipe().scale


def slide_of(folder, slide_id, sizes, shift=0.0):
    """A slide with the random maps of one model per size."""
    tiles = make_slide(folder / "tiles", slide_id)
    generator = np.random.default_rng(len(slide_id))
    maps = {f"m{i}": size * generator.normal(shift, 1.0, size=(40, 16, 16)) for i, size in enumerate(sizes)}
    return ScaledSlide(tiles, {name: make_attributions(folder / name, tiles, m) for name, m in maps.items()})


def drawn_values(slide, model):
    surface, maps = drawing_surface(geometry(), RECIPE.smoothing_um), slide.maps[model]
    drawn = thumbnail_map(surface, mapped_tiles(slide.tiles, maps, "here"), maps)
    return np.abs(drawn[np.isfinite(drawn)])


def end(*values):
    return np.percentile(np.concatenate(values), 99, method="inverted_cdf")


def test_a_models_end_is_the_percentile_of_its_drawn_values_of_all_slides(tmp_path):
    hot, cold = slide_of(tmp_path / "h", "hot", [2.0]), slide_of(tmp_path / "c", "cold", [0.05])
    info = common_scale([hot, cold], RECIPE)
    values = [drawn_values(slide, "m0") for slide in (hot, cold)]
    assert end(*values) <= info.limit <= end(*values) * (1 + 2 * ROUNDING)
    assert info.models == {"m0": info.limit}
    raw = [np.abs(slide.maps["m0"].maps()).ravel() for slide in (hot, cold)]
    assert info.tile_limit == pytest.approx(end(*raw), rel=2 * ROUNDING)
    assert (info.maps, info.values) == (2, sum(len(v) for v in values))
    assert info.slides["cold"].limit == pytest.approx(end(values[1]), rel=2 * ROUNDING)
    assert info.slides["cold"].limit < info.limit / 10


def test_the_limit_is_the_median_of_the_models_so_that_a_wild_one_blanks_no_other(tmp_path):
    one = slide_of(tmp_path / "a", "one", [1.0, 400.0, 2.0])
    two = slide_of(tmp_path / "b", "two", [1.0, 400.0])
    info = common_scale([one, two], RECIPE)
    assert info.limit == info.models["m2"] == pytest.approx(end(drawn_values(one, "m2")), rel=2 * ROUNDING)
    assert info.models["m1"] > 100 * info.limit
    assert (info.maps, info.slides["one"].maps, info.slides["two"].maps) == (5, 3, 2)
    assert info.slides["one"].limit == info.models["m2"]
    wild = one.maps["m1"].maps()
    assert info.tile_limit < np.percentile(np.abs(wild), 99) / 100


def test_the_order_of_slides_changes_nothing_and_they_may_come_one_by_one(tmp_path):
    slides = [slide_of(tmp_path / name, name, [1.0]) for name in ("a", "bb", "ccc")]
    assert common_scale(iter(slides[::-1]), RECIPE).limit == common_scale(slides, RECIPE).limit


def test_slides_without_maps_are_passed_over_and_none_at_all_is_refused(tmp_path):
    one = slide_of(tmp_path / "a", "a", [1.0])
    bare = dataclasses.replace(slide_of(tmp_path / "b", "b", []), maps={})
    assert common_scale([one, bare], RECIPE) == common_scale([one], RECIPE)
    with pytest.raises(HeatmapError, match="no slide has a map"):
        common_scale([bare], RECIPE)


def test_the_artifact_holds_the_scale(tmp_path):
    slides = [slide_of(tmp_path / "a", "a", [1.0])]
    measures = write_scale(slides, RECIPE, tmp_path)
    info = ColourScale(tmp_path).info
    assert info == common_scale(slides, RECIPE)
    assert measures == {"slides": 1, "maps": 1, "colour_limit": info.limit}


def job_of(slide, scale):
    checkpoints = (HeatmapCheckpoint("standard", 0, slide.maps["m0"]),)
    return HeatmapJob(slide.tiles, "gradient", True, CLASSES, 1, checkpoints, top_tenth, scale=scale)


def heat(job):
    """The mean difference between the strongest and the weakest colour channel on the tiles."""
    view = view_slide(job)
    image = attribution_overlay(view, view.checkpoints[0]).astype(float)
    return (image.max(axis=2) - image.min(axis=2))[np.isfinite(view.checkpoints[0].attribution)].mean()


def test_a_cold_slide_looks_calm_beside_a_hot_one(tmp_path):
    hot, cold = slide_of(tmp_path / "h", "hot", [1.0], 0.2), slide_of(tmp_path / "c", "cold", [0.02], 0.2)
    scale = common_scale([hot, cold], RECIPE)
    assert heat(job_of(cold, None)) > 40
    assert heat(job_of(cold, scale)) < 2
    assert heat(job_of(hot, scale)) > 40


def test_a_scale_by_another_recipe_is_refused(tmp_path):
    slide = slide_of(tmp_path / "a", "a", [1.0])
    scale = common_scale([slide], HeatmapRecipe(percentile=95).scale)
    with pytest.raises(HeatmapError, match="percentile 95 after 4 um of smoothing; the drawing wants 99"):
        view_slide(job_of(slide, scale))
