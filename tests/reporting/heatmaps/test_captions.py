"""The captions name the value, its scale and its normalisation, and claim no more than was done."""

import dataclasses

import numpy as np

from tasks.artifacts.explained_samples import write_notes
from tasks.reporting.heatmaps.captions import (
    attribution_caption,
    probability_caption,
    score_caption,
    tile_caption,
)
from tasks.reporting.maps.scale import ScaledSlide, common_scale
from tasks.reporting.maps.view import view_slide
from tests._support.heatmap_jobs import make_attributions, make_job


def scaled(job):
    maps = {item.model.label: item.attributions for item in job.checkpoints}
    slides = [ScaledSlide(job.tiles, maps)]
    return dataclasses.replace(job, scale=common_scale(slides, job.recipe.scale))


def sampled(job, folder, **changes):
    maps = make_attributions(folder, job.tiles, np.ones((3, 16, 16)), None, [0, 5, 9])
    item = dataclasses.replace(job.checkpoints[0], attributions=maps, **changes)
    return dataclasses.replace(job, checkpoints=(item,))


def test_the_value_its_scale_and_its_normalisation_are_named(tmp_path):
    words = attribution_caption(view_slide(scaled(make_job(tmp_path))))
    assert "Raw values. The margin is the logit of tumour minus the mean of the other logits." in words
    assert "Diverging scale centred at zero, the same for all arms, seeds and slides of this study" in words
    assert (
        "It ends at the 99th percentile of |value| without zeros, over each model's maps of 1 slide" in words
    )
    assert "median of 4 models. Values are as drawn" in words
    assert "averaged to pixels of the overview (here 1.35 µm), then smoothed by a Gaussian of 4 µm" in words
    assert "Larger values are clipped" in words
    assert "All 40 tiles were explained." in words
    assert "sample" not in words


def test_where_the_scale_of_the_slide_and_the_model_alone_would_end_is_stated(tmp_path):
    view = view_slide(scaled(make_job(tmp_path)))
    scale = view.job.scale
    slide = f"For this slide alone, the scale would end at {scale.slides['s1'].limit:.3g}"
    assert f"{slide}." in attribution_caption(view)
    own = f"{slide}, for this model alone at {scale.models['modulated/seed0']:.3g}."
    assert own in attribution_caption(view, view.checkpoints[2])
    assert "alone" not in tile_caption(view)
    assert "median of 4 models. Values are at the resolution of the network." in tile_caption(view)


def test_a_scale_of_one_slide_is_not_called_that_of_the_study(tmp_path):
    view = view_slide(make_job(tmp_path))
    for words in (attribution_caption(view), tile_caption(view)):
        assert "study" not in words
        assert "the same for all maps here, but not for other slides" in words


def test_magnitudes_have_a_scale_from_zero(tmp_path):
    view = view_slide(dataclasses.replace(make_job(tmp_path), signed=False))
    assert "Scale from zero" in attribution_caption(view)
    assert "Diverging" not in attribution_caption(view)


def test_a_sample_is_said(tmp_path):
    job = make_job(tmp_path)
    view = view_slide(sampled(job, tmp_path / "few", predictions=None))
    assert "Only 3 of 40 tiles were explained, sampled by the hash of their names" in attribution_caption(
        view
    )
    assert "Only 3 of 40 tiles were predicted." in probability_caption(view)
    assert score_caption(view, view.checkpoints[0]) == "no slide score: only 3 of 40 tiles were predicted"


def test_a_halo_is_said(tmp_path):
    job = make_job(tmp_path)
    assert "larger image" not in attribution_caption(view_slide(job))
    words = attribution_caption(view_slide(dataclasses.replace(job, halo_px=16)))
    assert "inside a larger image, with 16 px more on each side: the margin is that of this image" in words


def test_the_slide_score_is_said(tmp_path):
    view = view_slide(make_job(tmp_path))
    item = view.checkpoints[0]
    assert score_caption(view, item) == f"slide score {item.score:.3f} for tumour"
    assert "predicted." not in probability_caption(view)


def test_what_belongs_to_the_maps_is_said_once_and_of_each_model(tmp_path):
    job = make_job(tmp_path)
    for item, layer in zip(job.checkpoints, "abaa", strict=True):
        write_notes(item.attributions.folder, [f"The maps are of the layer {layer}."])
    view = view_slide(scaled(job))
    both = " The maps are of the layer a. The maps are of the layer b."
    assert attribution_caption(view).endswith(both)
    assert tile_caption(view).endswith(both)
    assert attribution_caption(view, view.checkpoints[1]).endswith(" The maps are of the layer b.")
