"""Slide models of pooled terms: padding and order change nothing, and the terms are the logits."""

import pytest
import torch

from tasks.models.bag_classifier import BagClassifier
from tasks.models.mil.abmil import Abmil
from tasks.models.mil.mean_pool import MeanPool

MODELS = (MeanPool(), Abmil(embed=8, attention=4))


def bag(count: int, pad: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(count)
    features = torch.randn(1, count, 5, generator=generator)
    padded = torch.cat([features, torch.full((1, pad, 5), 1e3)], dim=1)
    return padded, torch.arange(count + pad)[None] < count


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_padding_and_order_change_nothing(model):
    network = model.build(dim=5, classes=3, seed=1).eval()
    features, mask = bag(7)
    logits = network(features, mask)
    torch.testing.assert_close(network(*bag(7, pad=4)), logits, atol=1e-6, rtol=1e-6)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(network(features[:, order], mask), logits, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(network.terms(features, mask).logits, logits)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_the_seed_decides_the_weights_and_global_generators_stay(model):
    state = torch.random.get_rng_state()
    first, again, other = (model.build(dim=5, classes=2, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(first.head.weight, again.head.weight)
    assert not torch.equal(first.head.weight, other.head.weight)


def test_features_are_normalised_inside():
    network = MeanPool().build(dim=5, classes=2, seed=0)
    features, mask = bag(6)
    mean, std = torch.arange(5.0), torch.full((5,), 2.0)
    classifier = BagClassifier(network, mean, std)
    torch.testing.assert_close(classifier(features * 2 + mean, mask), network(features, mask))
