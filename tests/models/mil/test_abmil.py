"""Gated attention against an implementation in numpy that shares no code with it."""

import numpy as np
import pytest
import torch

from tasks.models.mil.abmil import Abmil

DIM, CLASSES = 6, 3


@pytest.fixture
def network():
    return Abmil(embed=7, attention=4).build(DIM, CLASSES, seed=5).eval()


def by_hand(network, tiles):
    """Return the logits [K] and the attention [N] of one bag [N, D], in float64."""
    weights = {name: value.double().numpy() for name, value in network.state_dict().items()}
    embedded = np.maximum(tiles @ weights["embed.0.weight"].T + weights["embed.0.bias"], 0)
    value = np.tanh(embedded @ weights["value.weight"].T + weights["value.bias"])
    gate = 1 / (1 + np.exp(-(embedded @ weights["gate.weight"].T + weights["gate.bias"])))
    score = ((value * gate) @ weights["score.weight"].T + weights["score.bias"])[:, 0]
    attention = np.exp(score - score.max())
    attention /= attention.sum()
    return weights["head.weight"] @ (attention @ embedded) + weights["head.bias"], attention


@pytest.mark.parametrize("count", [1, 2, 50])
def test_logits_and_attention_are_those_computed_by_hand(network, count):
    tiles = np.random.default_rng(count).normal(size=(count, DIM)).astype(np.float32)
    features, mask = torch.from_numpy(tiles)[None], torch.ones(1, count, dtype=torch.bool)
    logits, attention = by_hand(network, tiles.astype(np.float64))
    np.testing.assert_allclose(network(features, mask)[0].detach(), logits, atol=1e-6)
    fractions = network.terms(features, mask).fractions[0, :, 0].detach()
    np.testing.assert_allclose(fractions, attention, atol=1e-6)
    assert fractions.sum() == pytest.approx(1, abs=1e-6)


def test_a_tile_that_is_there_k_times_shares_its_attention_among_the_copies(network):
    tiles = torch.randn(3, DIM, generator=torch.Generator().manual_seed(0))
    copied = torch.cat([tiles, tiles[:1].expand(3, DIM)])[None]
    terms = network.terms(copied, torch.ones(1, 6, dtype=torch.bool))
    first = terms.fractions[0, [0, 3, 4, 5], 0]
    assert torch.allclose(first, first[0].expand(4))
