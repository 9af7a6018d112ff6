"""Each tile left out, by brute force; nothing to say of a bag of one."""

import pytest
import torch

from tasks.explainers.contribution import Contribution
from tasks.explainers.drop_one import DropOne
from tasks.functional.gradients import target_margin
from tasks.samples.inputs import Bags, ask
from tests._support.bags import SIZES, bag_network, keys_and_targets, ragged

TARGETS, KEYS = keys_and_targets(len(SIZES))


@pytest.mark.parametrize("model", ["abmil", "transformer"])
def test_it_is_what_the_margin_loses(model):
    network, bags = bag_network(model), ragged()
    found = DropOne()(network, bags, TARGETS, KEYS)
    network.eval()
    with torch.no_grad():
        whole = target_margin(ask(network, bags), TARGETS)
        for number, size in enumerate(SIZES):
            for tile in range(size):
                left = bags.mask[[number]].clone()
                left[0, tile] = False
                rest = target_margin(ask(network, Bags(bags.features[[number]], left)), TARGETS[[number]])
                torch.testing.assert_close(
                    found[number, tile], (whole[number] - rest)[0], rtol=1e-4, atol=2e-6
                )


@pytest.mark.parametrize("model", ["abmil", "transformer"])
def test_a_bag_of_one_tile_has_no_value_and_a_reason(model):
    bags = ragged((1, 3))
    found = DropOne()(bag_network(model), bags, TARGETS[:2], KEYS[:2])
    assert found[0, 0].isnan()
    assert (found[0, 1:] == 0).all()
    assert found[1].isfinite().all()
    reasons = DropOne().unavailable(bags)
    assert "one tile" in reasons[0]
    assert not reasons[1]


def test_a_tile_that_stands_often_is_hardly_missed_though_it_adds_the_same():
    network, bag = bag_network(), ragged((4,))
    often = Bags(bag.features.repeat(1, 5, 1), bag.mask.repeat(1, 5))
    target, key = TARGETS[:1], KEYS[:1]
    once, five = (DropOne()(network, bags, target, key)[0, :4].abs().sum() for bags in (bag, often))
    assert five < 0.3 * once
    sums = [Contribution()(network, bags, target, key).sum() for bags in (bag, often)]
    torch.testing.assert_close(sums[0], sums[1])
