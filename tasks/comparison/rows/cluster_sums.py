"""Scores as functions of cluster weights, from which the score without each cluster follows.

Leaving a cluster out is giving it the weight 0. Accuracy, AUROC and the like depend on the units only through
sums per cluster. These classes hold the sums and return the score for any weights [D, C]. A score that is
undefined for some weights (AUROC with one class) is NaN.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.comparison.rows.prediction_units import PredictionUnits

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


class ClusterSums(Protocol):
    """Sums per cluster from which a score follows for any weights of the clusters."""

    def of(self, weights: Floats) -> Floats:
        """Return the score [D] for weights [D, C]."""

    @property
    def occupied(self) -> NDArray[np.bool_]:
        """Which clusters hold a unit, [C]."""


@dataclass(frozen=True)
class MeanSums:
    """The mean of a value over all units, from ``sums`` and ``counts`` [C]."""

    sums: Floats
    counts: Floats

    @property
    def occupied(self) -> NDArray[np.bool_]:
        """Which clusters hold a unit, [C]."""
        return self.counts > 0

    def of(self, weights: Floats) -> Floats:
        """Return the mean [D] for weights [D, C]."""
        return ratio(weights @ self.sums, weights @ self.counts)


@dataclass(frozen=True)
class ClassMeanSums:
    """The mean over classes of the mean of each class (balanced accuracy); ``sums``, ``counts`` [C, K]."""

    sums: Floats
    counts: Floats

    @property
    def occupied(self) -> NDArray[np.bool_]:
        """Which clusters hold a unit, [C]."""
        return np.asarray(self.counts.sum(axis=1) > 0)

    def of(self, weights: Floats) -> Floats:
        """Return the mean [D] over the classes that have a unit, NaN where the weights leave one without."""
        held = self.counts.sum(axis=0) > 0
        recalls = ratio(weights @ self.sums[:, held], weights @ self.counts[:, held])
        return np.asarray(recalls.mean(axis=1)) if held.any() else np.full(len(weights), np.nan)


@dataclass(frozen=True)
class AurocSums:
    """The area under the ROC curve.

    ``wins[i, j]`` counts the pairs in which a positive of cluster i beats a negative of cluster j. A tie
    counts a half.
    """

    wins: Floats
    positives: Floats
    negatives: Floats

    @property
    def occupied(self) -> NDArray[np.bool_]:
        """Which clusters hold a unit, [C]."""
        return (self.positives + self.negatives) > 0

    def of(self, weights: Floats) -> Floats:
        """Return the area [D], NaN where the weights leave one class only."""
        won = np.einsum("dc,dc->d", weights @ self.wins, weights)
        return ratio(won, (weights @ self.positives) * (weights @ self.negatives))


@dataclass(frozen=True)
class CalibrationSums:
    """Expected calibration error of the top class, from ``gaps`` [C, B] and ``counts`` [C].

    A gap is the sum of confidence minus correctness over the units of a bin.
    """

    gaps: Floats
    counts: Floats

    @property
    def occupied(self) -> NDArray[np.bool_]:
        """Which clusters hold a unit, [C]."""
        return self.counts > 0

    def of(self, weights: Floats) -> Floats:
        """Return the error [D]."""
        return ratio(np.abs(weights @ self.gaps).sum(axis=1), weights @ self.counts)


def point(sums: list[ClusterSums]) -> float:
    """Return the mean over seeds of the score on all units. ``sums`` has one entry per seed."""
    return float(np.mean([one.of(np.ones((1, len(one.occupied))))[0] for one in sums]))


def mean_sums(values: Floats, clusters: Codes, count: int) -> MeanSums:
    """Sum ``values`` [N] of units in ``clusters`` [N], without NaN values."""
    known = np.isfinite(values)
    sums = np.bincount(clusters[known], values[known], minlength=count).astype(np.float64)
    return MeanSums(sums, np.bincount(clusters[known], minlength=count).astype(np.float64))


def performance_sums(
    units: PredictionUnits, clusters: Codes, count: int, bins: int
) -> dict[str, ClusterSums]:
    """Return the sums for accuracy, balanced_accuracy, auroc and ece."""
    correct = (units.probability.argmax(axis=1) == units.truth).astype(np.float64)
    known = units.probability.shape[1]
    return {
        "accuracy": mean_sums(correct, clusters, count),
        "balanced_accuracy": ClassMeanSums(
            grouped(clusters, units.truth, correct, (count, known)),
            grouped(clusters, units.truth, np.ones_like(correct), (count, known)),
        ),
        "auroc": auroc_sums(units.probability[:, units.target], units.truth == units.target, clusters, count),
        "ece": calibration_sums(units.probability.max(axis=1), correct, clusters, (count, bins)),
    }


def auroc_sums(scores: Floats, positive: NDArray[np.bool_], clusters: Codes, count: int) -> AurocSums:
    """Return the sums for ``scores`` [N] of units that are ``positive`` [N] or not."""
    order = np.argsort(scores[~positive], kind="stable")
    negatives = scores[~positive][order]
    of_cluster = np.zeros((len(negatives) + 1, count))
    of_cluster[np.arange(1, len(negatives) + 1), clusters[~positive][order]] = 1.0
    below = np.cumsum(of_cluster, axis=0)
    left = np.searchsorted(negatives, scores[positive], side="left")
    right = np.searchsorted(negatives, scores[positive], side="right")
    wins = np.zeros((count, count))
    np.add.at(wins, clusters[positive], (below[left] + below[right]) / 2)
    return AurocSums(
        wins,
        np.bincount(clusters[positive], minlength=count).astype(np.float64),
        np.bincount(clusters[~positive], minlength=count).astype(np.float64),
    )


def calibration_sums(
    confidence: Floats, correct: Floats, clusters: Codes, shape: tuple[int, int]
) -> CalibrationSums:
    """Sum confidence and correctness [N] into ``shape`` (clusters, bins). Bins are equal and closed above."""
    bins = np.clip(np.ceil(confidence * shape[1]).astype(np.intp) - 1, 0, shape[1] - 1)
    gaps = grouped(clusters, bins, confidence - correct, shape)
    return CalibrationSums(gaps, np.bincount(clusters, minlength=shape[0]).astype(np.float64))


def grouped(rows: Codes, columns: Codes, values: Floats, shape: tuple[int, int]) -> Floats:
    """Return the sums of ``values`` per (row, column)."""
    flat = np.bincount(rows * shape[1] + columns, values, minlength=shape[0] * shape[1])
    return np.asarray(flat.reshape(shape), dtype=np.float64)


def ratio(above: Floats, below: Floats) -> Floats:
    """Return above / below, NaN if below is zero."""
    safe = np.where(below > 0, below, 1.0)
    return np.where(below > 0, above / safe, np.nan)
