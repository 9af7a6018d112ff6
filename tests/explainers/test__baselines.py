"""What stands for nothing there."""

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from tasks.explainers._baselines import baseline_images
from tasks.explainers.base import ExplanationError
from tasks.explainers.integrated_gradients import IntegratedGradients
from tasks.functional.blur import gaussian_blur
from tests._support.explained import small_classifier

IMAGES = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def test_white_is_glass():
    assert torch.equal(baseline_images("white", nn.Identity(), IMAGES, 1.0), torch.ones_like(IMAGES))


def test_blur_is_the_image_itself_smoothed():
    assert torch.equal(baseline_images("blur", nn.Identity(), IMAGES, 2.0), gaussian_blur(IMAGES, 2.0))


def test_mean_tissue_is_the_colour_the_model_carries_in_pixel_units_and_writable():
    baseline = baseline_images("mean_tissue", small_classifier(), IMAGES, 1.0)
    assert torch.equal(baseline, torch.tensor([0.8, 0.6, 0.7]).view(1, 3, 1, 1).expand(2, 3, 16, 16))
    baseline[0, 0, 0, 0] = 5.0
    assert baseline.eq(5.0).sum() == 1


@pytest.mark.parametrize(("mean", "found"), [(None, "none"), (torch.zeros(1), r"shape \[1\]")])
def test_a_model_without_that_colour_is_refused_with_a_sentence(mean, found):
    model = nn.Identity()
    if mean is not None:
        model.register_buffer("mean", mean)
    with pytest.raises(ExplanationError, match=rf"buffer 'mean' \[1, 3, 1, 1\].*Identity has.*{found}"):
        baseline_images("mean_tissue", model, IMAGES, 1.0)


def test_maps_are_measured_against_it_where_their_sum_means_something():
    model = small_classifier()
    for baseline in ("white", "blur", "mean_tissue"):
        explainer = IntegratedGradients(baseline=baseline, blur_px=2.0)
        assert torch.equal(explainer.reference(model, IMAGES), baseline_images(baseline, model, IMAGES, 2.0))
    for reduce in ("l2", "abs_mean"):
        assert IntegratedGradients(reduce=reduce).reference(model, IMAGES) is None


@pytest.mark.parametrize("wrong", [{"baseline": "black"}, {"blur_px": 0.0}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        IntegratedGradients(**wrong)


def test_a_buffer_of_other_pixels_is_no_colour():
    model = nn.Identity()
    model.register_buffer("mean", torch.tensor([123.7, 116.3, 103.5]).view(1, 3, 1, 1))
    with pytest.raises(
        ExplanationError, match=r"of Identity goes from 103\.5 to 123\.7, as of pixels up to 255"
    ):
        baseline_images("mean_tissue", model, IMAGES, 1.0)
