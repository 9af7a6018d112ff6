"""Rollout: the product of whole matrices, and rows that sum to one."""

import pytest
import torch

from tasks.explainers import _attending
from tasks.explainers.base import ExplanationError
from tasks.explainers.rollout import Rollout
from tasks.models.mil.transformer import Transformer
from tests._support.bags import SIZES, bag_network, keys_and_targets, ragged

TARGETS, KEYS = keys_and_targets(len(SIZES))


@pytest.mark.parametrize("layers", [1, 2, 4])
@pytest.mark.parametrize("at_once", [1 << 24, 1])
def test_it_is_the_row_of_the_product_of_all_layers(layers, at_once, monkeypatch):
    monkeypatch.setattr(_attending, "_AT_ONCE", at_once)
    network = bag_network(Transformer(width=8, heads=2, layers=layers)).eval()
    bags = ragged()
    with torch.no_grad():
        product = torch.eye(1 + bags.mask.shape[1]).expand(len(SIZES), -1, -1)
        for attention in network.network.attentions(network.normalised(bags.features), bags.mask):
            mixed = (attention.mean(1) + torch.eye(attention.shape[2])) / 2
            torch.testing.assert_close(mixed.sum(2), torch.ones_like(mixed[:, 0]))
            product = mixed @ product
    found = Rollout()(network, bags, TARGETS, KEYS)
    torch.testing.assert_close(found, product[:, 0, 1:])
    torch.testing.assert_close(found.sum(1) + product[:, 0, 0], torch.ones(len(SIZES)))


def test_a_pooled_model_is_refused():
    with pytest.raises(ExplanationError, match=r"rollout .* transformer, .* no class token"):
        Rollout()(bag_network(), ragged(), TARGETS, KEYS)
