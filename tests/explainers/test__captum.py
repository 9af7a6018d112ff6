"""The margin for Captum, and that none of the explainers beside it says a word."""

import warnings

import pytest
import torch

from tasks.explainers._captum import margin_of
from tasks.functional.gradients import target_margin
from tasks.plugins import plugin_class
from tests._support.explained import batches_of
from tests._support.small_networks import small_network

IMAGES = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
TARGETS, KEYS = torch.tensor([1, 2]), torch.arange(2)
BESIDE_CAPTUM = (
    *("input_x_gradient", "integrated_gradients", "gradient_shap", "deep_lift", "guided_backprop"),
    *("occlusion", "rise"),
)


def test_it_is_the_margin_of_each_images_own_target():
    model = small_network(classes=3).eval()
    wanted = target_margin(model(IMAGES), TARGETS)
    assert torch.equal(margin_of(model)(IMAGES, TARGETS), wanted)
    logits = model(IMAGES)
    assert wanted[1].item() == pytest.approx((logits[1, 2] - logits[1, :2].mean()).item(), rel=1e-5)


@pytest.mark.parametrize("name", BESIDE_CAPTUM)
def test_nothing_is_warned_about(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plugin_class("tasks.explainers", name)()(small_network(classes=3), IMAGES, TARGETS, KEYS)


@pytest.mark.parametrize("name", BESIDE_CAPTUM)
def test_the_model_never_sees_more_images_than_the_batch(name):
    """So memory does not grow with steps, draws, masks or windows."""
    model = small_network(classes=3)
    with batches_of(model) as seen:
        plugin_class("tasks.explainers", name)()(model, IMAGES, TARGETS, KEYS)
    # DeepLIFT's baseline is one image for all of a batch; guided backpropagation looks at one image first.
    assert set(seen) == ({1, 2} if name in ("deep_lift", "guided_backprop") else {2})
