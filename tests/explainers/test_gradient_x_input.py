"""Gradient x input of bags, against Captum and against differences."""

import torch
from captum.attr import InputXGradient

from tasks.explainers.gradient_x_input import GradientXInput
from tasks.functional.gradients import target_margin
from tests._support.bags import SIZES, bag_network, keys_and_targets, ragged

TARGETS, KEYS = keys_and_targets(len(SIZES))


def test_it_is_captums_on_what_the_network_sees():
    network, bags = bag_network("transformer").eval(), ragged()
    seen = network.normalised(bags.features).detach().requires_grad_()
    theirs = InputXGradient(lambda x: target_margin(network.network(x, bags.mask), TARGETS)).attribute(seen)
    expected = theirs.sum(2).masked_fill(~bags.mask, 0.0).detach()
    torch.testing.assert_close(GradientXInput()(network, bags, TARGETS, KEYS), expected, rtol=1e-4, atol=1e-6)


def test_a_tile_at_the_mean_gets_nothing():
    network, bags = bag_network(), ragged((5,))
    bags.features[0, 2] = network.mean
    found = GradientXInput()(network, bags, TARGETS[:1], KEYS[:1])
    assert found[0, 2] == 0
    assert (found[0, [0, 1, 3, 4]] != 0).all()
