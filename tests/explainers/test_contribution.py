"""The contribution of tiles: complete, equal to relevance propagation, and refused where tiles are mixed."""

import pytest
import torch

from tasks.explainers.base import ExplanationError
from tasks.explainers.contribution import Contribution
from tasks.explaining.batch import BatchExplainer
from tasks.functional.gradients import target_margin
from tasks.functional.leave_as_found import leave_as_found
from tasks.models.mil.additive import Additive
from tasks.samples.inputs import Bags, ask
from tests._support.bag_relevance import relevance_of_tiles
from tests._support.bags import DIM, SIZES, bag_network, keys_and_targets, only, ragged

TARGETS, KEYS = keys_and_targets(len(SIZES))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("model", ["abmil", Additive()])
def test_it_sums_to_the_margin_minus_that_of_the_empty_bag(model, classes):
    network, bags = bag_network(model, classes=classes).double(), ragged()
    bags = bags._replace(features=bags.features.double())
    with leave_as_found(network), torch.no_grad():
        explaining = BatchExplainer(Contribution(), network, batch=8)
        scores = explaining.maps(bags, TARGETS, KEYS)
        assert explaining.completeness_errors(bags, TARGETS, scores).abs().max() < 1e-12


@pytest.mark.parametrize("number", range(len(SIZES)))
def test_it_equals_relevance_propagated_through_every_layer(number):
    network = bag_network(classes=3).double().eval()
    bag = only(ragged(), number)
    bag = bag._replace(features=bag.features.double())
    found = Contribution()(network, bag, torch.tensor([2]), KEYS[:1])[0]
    direction = torch.tensor([-0.5, -0.5, 1.0], dtype=torch.float64)
    with torch.no_grad():
        expected = relevance_of_tiles(network, bag.features[0], direction)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-8)


def test_one_tile_gets_the_margin_minus_the_bias():
    network, bag = bag_network().eval(), ragged((1,))
    found = Contribution()(network, bag, TARGETS[:1], KEYS[:1])
    with torch.no_grad():
        whole = target_margin(ask(network, bag), TARGETS[:1])
        empty = target_margin(ask(network, bag._replace(mask=bag.mask & False)), TARGETS[:1])
    torch.testing.assert_close(found[:, 0], whole - empty)


def test_a_tile_that_stands_k_times_adds_what_k_tiles_add_and_the_sum_is_shared():
    """Ten copies of each tile: the bag says the same, so each copy adds a tenth."""
    network, bag = bag_network(), ragged((4,))
    often = Bags(bag.features.repeat(1, 10, 1), bag.mask.repeat(1, 10))
    once = Contribution()(network, bag, TARGETS[:1], KEYS[:1])
    copies = Contribution()(network, often, TARGETS[:1], KEYS[:1]).view(10, 4)
    torch.testing.assert_close(copies * 10, once.expand(10, 4), rtol=1e-4, atol=1e-6)


def test_equal_tiles_get_equal_values():
    bag = Bags(torch.ones(1, 9, DIM), torch.ones(1, 9, dtype=torch.bool))
    found = Contribution()(bag_network(), bag, TARGETS[:1], KEYS[:1])
    torch.testing.assert_close(found, found[:, :1].expand(-1, 9))


def test_a_network_that_mixes_its_tiles_is_refused_in_a_sentence():
    with pytest.raises(
        ExplanationError, match=r"BagClassifier are no weighted mean over tiles; .* keep_one and drop_one"
    ):
        Contribution()(bag_network("transformer"), ragged(), TARGETS, KEYS)
