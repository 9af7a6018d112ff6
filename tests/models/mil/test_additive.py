"""The additive model against its equation in numpy: signed scores, weights per class."""

import numpy as np
import pytest
import torch

from tasks.models.mil.additive import Additive

DIM, CLASSES = 6, 3


@pytest.fixture
def network():
    return Additive(embed=7, attention=4).build(DIM, CLASSES, seed=5).eval()


def test_logits_are_the_sum_of_scores_over_the_sum_of_weights(network):
    tiles = np.random.default_rng(0).normal(size=(20, DIM))
    weights = {name: value.double().numpy() for name, value in network.state_dict().items()}
    h = np.maximum(tiles @ weights["embed.0.weight"].T + weights["embed.0.bias"], 0)
    gated = np.tanh(h @ weights["value.weight"].T + weights["value.bias"])
    gated /= 1 + np.exp(-(h @ weights["gate.weight"].T + weights["gate.bias"]))
    s = gated @ weights["score.weight"].T + weights["score.bias"]
    logits = []
    for c in range(CLASSES):
        scores = [weights["head.weight"][c] @ h[k] * np.exp(s[k, c]) for k in range(20)]
        logits.append(sum(scores) / np.exp(s[:, c]).sum() + weights["head.bias"][c])
    features = torch.from_numpy(tiles.astype(np.float32))[None]
    found = network(features, torch.ones(1, 20, dtype=torch.bool))[0].detach()
    np.testing.assert_allclose(found, logits, atol=1e-6)


def test_weights_are_of_each_class_and_contributions_have_both_signs(network):
    features = torch.randn(1, 20, DIM, generator=torch.Generator().manual_seed(0))
    terms = network.terms(features, torch.ones(1, 20, dtype=torch.bool))
    assert terms.log_weights.shape == (1, 20, CLASSES)
    assert not torch.allclose(terms.fractions[..., 0], terms.fractions[..., 1], atol=1e-4)
    assert terms.contributions.min() < 0 < terms.contributions.max()
    torch.testing.assert_close(terms.fractions.sum(1), torch.ones(1, CLASSES))
