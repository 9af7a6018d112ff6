"""Each tile alone, by brute force."""

import pytest
import torch

from tasks.explainers.keep_one import KeepOne
from tasks.functional.gradients import target_margin
from tasks.samples.inputs import Bags, ask
from tests._support.bags import SIZES, bag_network, keys_and_targets, ragged

TARGETS, KEYS = keys_and_targets(len(SIZES))


@pytest.mark.parametrize("model", ["abmil", "transformer"])
def test_it_is_the_margin_of_a_bag_of_that_tile_minus_that_of_no_tile(model):
    network, bags = bag_network(model), ragged()
    found = KeepOne()(network, bags, TARGETS, KEYS)
    network.eval()
    with torch.no_grad():
        for number, size in enumerate(SIZES):
            for tile in range(size):
                one = Bags(bags.features[number, tile].view(1, 1, -1), torch.ones(1, 1, dtype=torch.bool))
                margins = [
                    target_margin(ask(network, bag), TARGETS[[number]])
                    for bag in (one, one._replace(mask=~one.mask))
                ]
                torch.testing.assert_close(found[number, tile], (margins[0] - margins[1])[0])
