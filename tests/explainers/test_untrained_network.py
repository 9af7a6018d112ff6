"""The untrained control."""

import torch

from tasks.explainers.gradient import Gradient
from tasks.explainers.smoothgrad import SmoothGrad
from tasks.explainers.untrained_network import UntrainedNetwork
from tasks.functional.reinitialise import reinitialised
from tests._support.small_networks import small_network

IMAGES = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
ONES, KEYS = torch.ones(3, dtype=torch.int64), torch.arange(3)


def test_it_is_the_base_on_a_fresh_copy_and_forgets_the_training():
    maps = UntrainedNetwork(seed=3)(small_network(0), IMAGES, ONES, KEYS)
    expected = Gradient()(reinitialised(small_network(0), 3), IMAGES, ONES, KEYS)
    assert torch.equal(maps, expected)
    assert torch.equal(UntrainedNetwork(seed=3)(small_network(9), IMAGES, ONES, KEYS), maps)
    assert not torch.allclose(Gradient()(small_network(0), IMAGES, ONES, KEYS), maps)


def test_it_can_hold_an_explainer_that_holds_another():
    smooth = SmoothGrad(samples=2)
    maps = UntrainedNetwork(base=smooth)(small_network(), IMAGES, ONES, KEYS)
    torch.testing.assert_close(maps, smooth(reinitialised(small_network(), 0), IMAGES, ONES, KEYS))


def test_its_maps_are_signed_as_those_of_its_base():
    assert UntrainedNetwork(base=SmoothGrad(average="signed")).signed_maps
    assert not UntrainedNetwork(base=SmoothGrad(average="magnitude")).signed_maps
