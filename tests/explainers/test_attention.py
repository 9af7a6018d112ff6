"""Attention: fractions without a sign, the same for every class unless the model has weights per class."""

import pytest
import torch
from torch import nn

from tasks.explainers.attention import CLASS_FREE, PER_CLASS, Attention
from tasks.explainers.base import ExplanationError
from tasks.functional.pooled_terms import PooledTerms
from tasks.models.mil.base import PooledNetwork, padded_log_weights
from tasks.samples.inputs import Bags
from tests._support.bags import DIM, SIZES, bag_network, keys_and_targets, ragged

TARGETS, KEYS = keys_and_targets(len(SIZES))


@pytest.mark.parametrize("model", ["abmil", "transformer"])
def test_the_values_of_a_bag_sum_to_one_whatever_the_class(model):
    found = Attention()(bag_network(model), ragged(), TARGETS, KEYS)
    torch.testing.assert_close(found.sum(1), torch.ones(len(SIZES)))
    assert torch.equal(found, Attention()(bag_network(model), ragged(), 1 - TARGETS, KEYS))
    assert (found >= 0).all()
    assert Attention.class_free
    assert not Attention().signed_for("features")


def test_it_is_the_softmax_of_the_gated_scores():
    network = bag_network().eval()
    bags = ragged((5,))
    inner = network.network
    with torch.no_grad():
        tiles = inner.embed(network.normalised(bags.features[0]))
        scores = inner.score(torch.tanh(inner.value(tiles)) * torch.sigmoid(inner.gate(tiles)))
        expected = scores.flatten().exp() / scores.exp().sum()
    torch.testing.assert_close(Attention()(network, bags, TARGETS[:1], KEYS[:1])[0], expected)


def test_of_a_transformer_it_is_the_row_of_the_class_token_in_the_last_layer():
    network = bag_network("transformer").eval()
    bags = ragged()
    with torch.no_grad():
        layers = network.network.attentions(network.normalised(bags.features), bags.mask)
    row = layers[-1].mean(1)[:, 0, 1:]
    expected = row / row.sum(1, keepdim=True)
    torch.testing.assert_close(Attention()(network, bags, TARGETS, KEYS), expected)


def test_one_tile_has_all_and_copies_share():
    one = Attention()(bag_network(), ragged((1,)), TARGETS[:1], KEYS[:1])
    assert one.item() == 1
    bag = ragged((4,))
    copies = Bags(bag.features.repeat(1, 3, 1), bag.mask.repeat(1, 3))
    once = Attention()(bag_network(), bag, TARGETS[:1], KEYS[:1])
    torch.testing.assert_close(
        Attention()(bag_network(), copies, TARGETS[:1], KEYS[:1]), once.repeat(1, 3) / 3
    )


class PerClass(PooledNetwork):
    """Each class weighs tiles by a feature of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(2))

    def terms(self, features: torch.Tensor, mask: torch.Tensor) -> PooledTerms:
        """Return two weights per tile."""
        return PooledTerms(padded_log_weights(features[:, :, :2], mask), features[:, :, 2:4], self.bias)


def test_weights_per_class_are_those_of_the_target_and_a_note_says_so():
    bags = ragged((5, 5))
    found = Attention()(PerClass(), bags, torch.tensor([0, 1]), KEYS[:2])
    for number in (0, 1):
        torch.testing.assert_close(found[number], bags.features[number, :, number].softmax(0))
    assert Attention().settled(PerClass(), bags).notes() == (PER_CLASS,)
    assert Attention().settled(bag_network(), bags).notes() == (CLASS_FREE,)


def test_a_network_without_weights_is_refused():
    class Deep(nn.Module):
        def forward(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return torch.zeros(len(features), 2)

    with pytest.raises(ExplanationError, match="Deep has none: it neither"):
        Attention()(
            Deep(), Bags(torch.zeros(1, 2, DIM), torch.ones(1, 2, dtype=torch.bool)), TARGETS[:1], KEYS[:1]
        )
