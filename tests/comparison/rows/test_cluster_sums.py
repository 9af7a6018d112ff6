"""Every figure against scikit-learn, on the units themselves and on resamples of clusters."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, roc_auc_score

from tasks.comparison.rows.cluster_sums import calibration_sums, mean_sums, performance_sums
from tasks.comparison.rows.prediction_units import PredictionUnits

CLUSTERS = 6


@pytest.fixture
def units():
    generator = np.random.default_rng(1)
    truth = generator.integers(0, 3, size=200)
    # Rounded so that ties occur.
    raw = np.round(generator.random((200, 3)) + np.eye(3)[truth] * 0.4, 1) + 0.1
    return PredictionUnits(pd.DataFrame(index=range(200)), truth, raw / raw.sum(axis=1, keepdims=True), 2)


def calibration_error(units, rows, bins):
    """The definition, one bin after the other."""
    confidence = units.probability[rows].max(axis=1)
    correct = units.probability[rows].argmax(axis=1) == units.truth[rows]
    error = 0.0
    for low in np.arange(bins) / bins:
        held = (confidence > low) & (confidence <= low + 1 / bins)
        if held.any():
            error += held.mean() * abs(confidence[held].mean() - correct[held].mean())
    return error


def test_figures_of_any_resample_agree_with_scikit_learn(units):
    generator = np.random.default_rng(2)
    clusters = generator.integers(0, CLUSTERS, size=200)
    weights = generator.multinomial(CLUSTERS, np.full(CLUSTERS, 1 / CLUSTERS), size=20).astype(float)
    tallies = performance_sums(units, clusters, CLUSTERS, bins=10)
    found = {name: tally.of(weights) for name, tally in tallies.items()}
    for draw, weight in enumerate(weights):
        rows = np.concatenate(
            [np.flatnonzero(clusters == c) for c in range(CLUSTERS) for _ in range(int(weight[c]))]
        )
        truth, probability = units.truth[rows], units.probability[rows]
        guess = probability.argmax(axis=1)
        assert found["accuracy"][draw] == pytest.approx(accuracy_score(truth, guess))
        assert found["balanced_accuracy"][draw] == pytest.approx(balanced_accuracy_score(truth, guess))
        assert found["auroc"][draw] == pytest.approx(roc_auc_score(truth == 2, probability[:, 2]))
        assert found["ece"][draw] == pytest.approx(calibration_error(units, rows, 10))


def test_a_draw_with_one_class_has_no_auroc(units):
    tallies = performance_sums(units, (units.truth == 2).astype(np.intp), 2, bins=10)
    values = tallies["auroc"].of(np.array([[2.0, 0.0], [1.0, 1.0]]))
    assert np.isnan(values[0])
    assert np.isfinite(values[1])


def test_perfectly_calibrated_and_perfectly_wrong():
    sure = np.ones(4)
    nobody = np.zeros(4, dtype=np.intp)
    assert calibration_sums(sure, np.ones(4), nobody, (1, 15)).of(np.ones((1, 1)))[0] == 0.0
    assert calibration_sums(sure, np.zeros(4), nobody, (1, 15)).of(np.ones((1, 1)))[0] == 1.0


def test_a_mean_leaves_out_what_was_not_scored():
    tally = mean_sums(np.array([1.0, np.nan, 3.0]), np.array([0, 0, 1]), 3)
    assert tally.of(np.array([[1.0, 1.0, 1.0]]))[0] == 2.0
    np.testing.assert_array_equal(tally.occupied, [True, True, False])
    assert np.isnan(tally.of(np.array([[0.0, 0.0, 3.0]]))[0])
