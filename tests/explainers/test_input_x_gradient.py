"""The image times its gradient."""

import pytest
import torch

from tasks.explainers.gradient import Gradient
from tasks.explainers.input_x_gradient import InputXGradient
from tasks.functional.gradients import input_gradient, reduce_channels
from tests._support.small_networks import LinearNetwork, PowerNetwork, small_network

KEYS, ONES = torch.arange(4), torch.ones(4, dtype=torch.int64)
GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.rand(4, 3, 16, 16, generator=GENERATOR)
WEIGHT = torch.randn(3, 16, 16, generator=GENERATOR)


def test_of_a_linear_model_it_is_the_weighted_image_and_adds_up_to_the_margin():
    maps = InputXGradient()(LinearNetwork(WEIGHT), IMAGES, ONES, KEYS)
    torch.testing.assert_close(maps, (WEIGHT * IMAGES).sum(1))


def test_of_a_power_it_is_too_large_by_the_power():
    """Which is why no completeness is promised."""
    maps = InputXGradient()(PowerNetwork(WEIGHT, 3), IMAGES, ONES, KEYS)
    torch.testing.assert_close(maps, 3 * (WEIGHT * IMAGES**3).sum(1))
    assert not InputXGradient.complete
    assert InputXGradient().reference(PowerNetwork(WEIGHT, 3), IMAGES) is None


def test_black_gets_nothing_whatever_the_gradient():
    model, images = small_network(), IMAGES.clone()
    images[:, :, 3:7, 2:9] = 0
    maps = InputXGradient()(model, images, ONES, KEYS)
    assert maps[:, 3:7, 2:9].eq(0).all()
    assert Gradient()(model, images, ONES, KEYS)[:, 3:7, 2:9].ne(0).all()


@pytest.mark.parametrize("reduce", ["sum", "l2", "abs_mean"])
def test_channels_are_reduced_after_the_product(reduce):
    model, targets = small_network(classes=3), torch.tensor([0, 2, 1, 2])
    maps = InputXGradient(reduce=reduce)(model, IMAGES, targets, KEYS)
    expected = reduce_channels(IMAGES * input_gradient(model.eval(), IMAGES, targets), reduce)
    torch.testing.assert_close(maps, expected)
