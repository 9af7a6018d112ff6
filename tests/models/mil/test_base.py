"""What all slide models share: normalisation inside the classifier, and log weights of padding."""

import torch

from tasks.models.bag_classifier import BagClassifier
from tasks.models.mil.base import padded_log_weights
from tasks.models.mil.mean_pool import MeanPool


def test_features_are_normalised_inside():
    network = MeanPool().build(dim=5, classes=2, seed=0)
    features, mask = torch.randn(1, 6, 5, generator=torch.Generator().manual_seed(6)), torch.ones(1, 6).bool()
    mean, std = torch.arange(5.0), torch.full((5,), 2.0)
    classifier = BagClassifier(network, mean, std)
    torch.testing.assert_close(classifier(features * 2 + mean, mask), network(features, mask))


def test_padding_has_no_weight():
    found = padded_log_weights(torch.zeros(1, 3, 2), torch.tensor([[True, False, True]]))
    assert found.isneginf().tolist() == [[[False, False], [True, True], [False, False]]]
