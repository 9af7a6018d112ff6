"""Validation figures agree with scikit-learn."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss, roc_auc_score

from tasks.training.validate import log_odds, scores


def sample(classes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, classes, (200,), generator=generator)
    logits = torch.randn(200, classes, generator=generator, dtype=torch.float64)
    logits[torch.arange(200), labels] += 1
    return logits, labels


@pytest.mark.parametrize("classes", [2, 4])
def test_agree_with_sklearn(classes):
    logits, labels = sample(classes)
    found = scores(logits, labels)
    probability, truth, guess = softmax(logits.numpy(), 1), labels.numpy(), logits.argmax(1).numpy()
    balance = 1 / np.bincount(truth)[truth]
    assert found["val_accuracy"] == pytest.approx(accuracy_score(truth, guess))
    assert found["val_balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, guess))
    assert found["val_loss"] == pytest.approx(log_loss(truth, probability, sample_weight=balance))
    auroc = roc_auc_score(truth, probability[:, 1] if classes == 2 else probability, multi_class="ovr")
    assert found["val_auroc"] == pytest.approx(auroc)


def test_log_odds_order_as_probabilities_and_do_not_saturate():
    logits = torch.tensor([[0.0, 40.0], [0.0, 50.0], [0.0, -3.0]], dtype=torch.float64)
    assert torch.equal(log_odds(logits)[:, 1], logits[:, 1])
    assert torch.softmax(logits.float(), 1)[0, 1] == torch.softmax(logits.float(), 1)[1, 1]
    many, _ = sample(4)
    probability = many.softmax(1)
    assert torch.allclose(log_odds(many), (probability / (1 - probability)).log())
