"""Drawn probabilities are those of the evaluation: for all tiles, for a sample, and for overlaps."""

import dataclasses
import shutil

import numpy as np
import pytest

from tasks.artifacts.attributions import PixelMaps
from tasks.artifacts.explained_samples import INDEX
from tasks.reporting.maps.canvas import thumbnail_canvas
from tasks.reporting.maps.job import HeatmapError
from tasks.reporting.maps.predicted_tiles import predicted_tiles
from tasks.reporting.maps.stitch import stitch
from tasks.reporting.maps.view import view_slide
from tests._support.heatmap_jobs import make_attributions, make_job, make_predictions, top_tenth

SAMPLE = [31, 4, 12, 20]


def margin_of(item):
    return (item.predictions.table["logit_1"] - item.predictions.table["logit_0"]).to_numpy()


def probability(margin):
    return 1 / (1 + np.exp(-margin))


def with_checkpoint(job, **changes):
    return dataclasses.replace(job, checkpoints=(dataclasses.replace(job.checkpoints[0], **changes),))


def sampled_job(folder, off=0.0):
    """A job with maps of ``SAMPLE`` only, made by a model whose margin differs by ``off``."""
    job = make_job(folder)
    margin = margin_of(job.checkpoints[0])[SAMPLE] + off
    maps = np.random.default_rng(0).normal(size=(len(SAMPLE), 16, 16))
    few = make_attributions(folder / "few", job.tiles, maps, margin, SAMPLE)
    return job, with_checkpoint(job, attributions=few)


def evaluated(job):
    item = job.checkpoints[0]
    rows = job.tiles.table.set_index("tile_id", drop=False).loc[item.attributions.index["tile_id"]]
    return predicted_tiles(job, item, rows)


def test_the_maps_score_is_bit_for_bit_the_evaluated_score(tmp_path):
    job = make_job(tmp_path)
    found = evaluated(job)
    np.testing.assert_allclose(found.probabilities[:, 1], probability(margin_of(job.checkpoints[0])), 1e-12)
    assert found.score == top_tenth(found.probabilities[:, 1])


def test_a_sample_of_maps_leaves_score_and_probabilities_those_of_all_tiles(tmp_path):
    whole, few = sampled_job(tmp_path)
    all_tiles, view = view_slide(whole).checkpoints[0], view_slide(few)
    item = view.checkpoints[0]
    assert (view.mapped, view.usable) == (4, 40)
    assert item.score == all_tiles.score
    np.testing.assert_array_equal(item.probability, all_tiles.probability)
    np.testing.assert_allclose(
        item.tile_probability, probability(margin_of(whole.checkpoints[0])[SAMPLE]), rtol=1e-12
    )
    tiles = stitch(thumbnail_canvas(view.geometry), whole.tiles.table.iloc[SAMPLE], np.ones((4, 1, 1)))
    np.testing.assert_array_equal(np.isfinite(item.attribution), np.isfinite(tiles))


def test_maps_of_another_model_are_refused_in_a_sample_too(tmp_path):
    _, few = sampled_job(tmp_path, off=0.1)
    with pytest.raises(HeatmapError, match="is not the evaluated"):
        view_slide(few)


def test_maps_of_tiles_that_were_not_evaluated_are_refused(tmp_path):
    job = make_job(tmp_path)
    job.tiles.table.loc[3, "state"] = "failed"
    margin = np.delete(margin_of(job.checkpoints[0]), 3)
    predictions = make_predictions(tmp_path / "fewer", [job.tiles], [margin])
    with pytest.raises(HeatmapError, match="1 maps are of tiles that were not evaluated"):
        view_slide(with_checkpoint(job, predictions=predictions))


def test_evaluated_tiles_that_are_not_the_slides_are_refused(tmp_path):
    job = make_job(tmp_path)
    (tmp_path / "fewer").mkdir()
    table = job.checkpoints[0].predictions.table.iloc[:-1]
    table.to_parquet(tmp_path / "fewer" / "predictions.parquet", index=False)
    fewer = dataclasses.replace(job.checkpoints[0].predictions, folder=tmp_path / "fewer")
    with pytest.raises(HeatmapError, match="the 39 evaluated tiles are not the slide's 40"):
        view_slide(with_checkpoint(job, predictions=fewer))


def test_without_predictions_all_maps_give_a_score_and_a_sample_gives_none(tmp_path):
    whole, few = sampled_job(tmp_path)
    expected = view_slide(whole).checkpoints[0].score
    found = view_slide(with_checkpoint(whole, predictions=None)).checkpoints[0]
    assert found.score == pytest.approx(expected, abs=1e-12)
    item = view_slide(with_checkpoint(few, predictions=None)).checkpoints[0]
    assert item.score is None
    assert item.evaluated.tiles["tile_id"].tolist() == item.tiles["tile_id"].tolist()
    np.testing.assert_array_equal(np.isfinite(item.probability), np.isfinite(item.attribution))


def test_models_with_maps_of_different_tiles_are_refused(tmp_path):
    whole, few = sampled_job(tmp_path)
    mixed = dataclasses.replace(whole, checkpoints=(*few.checkpoints, whole.checkpoints[1]))
    with pytest.raises(HeatmapError, match=r"standard_s1 and standard_s0 have maps of different .* 4\)"):
        view_slide(mixed)


def test_overlapping_tiles_are_blended_but_score_as_they_were_evaluated(tmp_path):
    job = make_job(tmp_path)
    job.tiles.table["x_level0"] /= 2
    item, margin = view_slide(job).checkpoints[0], margin_of(job.checkpoints[0])
    assert item.score == pytest.approx(top_tenth(probability(margin)), abs=1e-12)
    # Columns 16 to 32 of the slide lie under the first two tiles of a row, half and half.
    x = int(24 / view_slide(job).geometry.thumbnail_downsample_x)
    y = int(16 / view_slide(job).geometry.thumbnail_downsample_y)
    assert item.probability[y, x] == pytest.approx(probability(margin[:2]).mean(), rel=1e-6)


def without_logits(maps, folder):
    """Return the maps as a blind control stores them."""
    shutil.copytree(maps.folder, folder)
    maps.index.drop(columns=["logit_0", "logit_1"]).to_parquet(folder / INDEX, index=False)
    return PixelMaps(folder)


def test_maps_of_a_blind_control_are_drawn_with_the_evaluated_probabilities(tmp_path):
    job = make_job(tmp_path)
    blind = without_logits(job.checkpoints[0].attributions, tmp_path / "blind")
    right, found = evaluated(job), evaluated(with_checkpoint(job, attributions=blind))
    assert found.score == right.score
    np.testing.assert_array_equal(found.probabilities, right.probabilities)
    with pytest.raises(HeatmapError, match="standard_s0: maps of a blind control are drawn with predictions"):
        evaluated(with_checkpoint(job, attributions=blind, predictions=None))
