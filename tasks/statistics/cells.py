"""Figures per training seed and cluster, from which two-way intervals follow.

A mean over units is no mean over clusters where clusters differ in size, and an area under a ROC curve is no
mean at all. Both become one through the jackknife: the pseudo-value of a cluster is C times the figure of all
C clusters minus C - 1 times the figure without it. Clusters that weigh much count as much as they should.

Sources: Tukey (1958), "Bias and confidence in not-quite large samples"; Efron and Stein (1981).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tasks.statistics.two_way import Estimate, Floats, StatisticsError, estimate


def mean_estimate(values: Floats, codes: NDArray[np.int64], level: float) -> Estimate:
    """Return the mean over units, and then over seeds, with its two-way (seed, cluster) interval.

    Args:
        values: float [N] or [S, N], S training seeds; NaN is a unit without a score, which is excluded.
        codes: int64 [N], the cluster of each unit; all the same where there are too few clusters for an
            interval, which then is NaN.
        level: coverage of the interval, such as 0.95.

    Raises:
        StatisticsError: the lengths differ, or no unit is scored.

    Example:
        Two seeds and six patients of ten tiles each:

        >>> rng = np.random.default_rng(0)
        >>> values = rng.normal(loc=0.5, scale=0.1, size=(2, 60))
        >>> found = mean_estimate(values, np.repeat(np.arange(6), 10), level=0.95)
        >>> found.low < 0.5 < found.high
        True
    """
    sums, counts = cluster_sums(np.atleast_2d(values), codes)
    return estimate_of_sums(sums, counts, level)


def estimate_of_sums(sums: Floats, counts: Floats, level: float) -> Estimate:
    """Return the same from the sums and counts [S, C] of :func:`cluster_sums`."""
    value = float((sums.sum(axis=1) / counts.sum(axis=1)).mean())
    return estimate(value, mean_cells(sums, counts), level)


def cluster_sums(values: Floats, codes: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the sum and the number of scored units of each seed and cluster, both float64 [S, C].

    Seeds and clusters without a scored unit are left out.

    Raises:
        StatisticsError: the lengths differ, or no unit is scored.
    """
    if values.shape[1:] != codes.shape:
        raise StatisticsError(f"{values.shape[1]} units come with {len(codes)} cluster codes; needed as many")
    scored = ~np.isnan(values)
    if not scored.any():
        raise StatisticsError("no unit is scored: every value is NaN")
    present, codes = np.unique(codes, return_inverse=True)
    known = np.where(scored, values, 0.0)
    sums = np.stack([np.bincount(codes, row, len(present)) for row in known])
    counts = np.stack([np.bincount(codes, row, len(present)) for row in scored])
    return occupied(sums.astype(np.float64), counts.astype(np.float64))


def occupied(sums: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Return ``sums`` [S, C, ...] and ``counts`` [S, C] of the seeds and clusters that hold a unit."""
    kept = np.ix_(counts.sum(axis=1) > 0, counts.sum(axis=0) > 0)
    return sums[kept], counts[kept]


def mean_cells(sums: Floats, counts: Floats) -> Floats:
    """Return the pseudo-values [S, C, ...] of means over units, from ``sums`` [S, C, ...], ``counts`` [S, C].

    NaN where a seed has all its units in one cluster.
    """
    clusters = counts.shape[1]
    extra = (None,) * (sums.ndim - 2)
    number = counts[(..., *extra)]
    total, units = sums.sum(axis=1, keepdims=True), number.sum(axis=1, keepdims=True)
    left = units - number
    without = np.divide(total - sums, left, out=np.full_like(sums, np.nan), where=left > 0)
    return np.asarray(clusters * total / units - (clusters - 1) * without)


def figure_cells(figure: Callable[[Floats], Floats], clusters: int) -> Floats:
    """Return the pseudo-values [C] of any figure of weighted clusters.

    Args:
        figure: gives the figure [D] for weights [D, C] of the clusters, NaN where it is not defined.
        clusters: C.
    """
    weights = np.concatenate([np.ones((1, clusters)), 1 - np.eye(clusters)])
    found = figure(weights)
    return np.asarray(clusters * found[0] - (clusters - 1) * found[1:])


def fraction_estimate(figures: Sequence[Callable[[Floats], Floats]], clusters: int, level: float) -> Estimate:
    """Return a figure between 0 and 1, such as an area under a ROC curve, with its interval.

    Near 0 and 1 such a figure is skewed. Its interval is found for its log odds, where it is less so, and
    turned back, so that it never leaves 0 and 1. Where the odds of a part are not finite, it is found for the
    figure itself and cut at 0 and 1.

    Args:
        figures: per seed, the figure [D] for weights [D, C] of the clusters.
        clusters: C.
        level: coverage of the interval.
    """
    value = float(np.mean([figure(np.ones((1, clusters)))[0] for figure in figures]))
    plain = estimate(value, np.stack([figure_cells(figure, clusters) for figure in figures]), level)
    if not 0 < value < 1:
        return replace(plain, low=float(np.clip(plain.low, 0, 1)), high=float(np.clip(plain.high, 0, 1)))
    cells = np.stack([figure_cells(partial(_odds, figure), clusters) for figure in figures])
    odds = estimate(_log_odds(value), cells, level)
    ends = (plain.low, plain.high) if math.isnan(odds.low) else (_share(odds.low), _share(odds.high))
    return replace(plain, low=float(np.clip(ends[0], 0, 1)), high=float(np.clip(ends[1], 0, 1)))


def _odds(figure: Callable[[Floats], Floats], weights: Floats) -> Floats:
    share = figure(weights)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(share) - np.log1p(-share))


def _log_odds(share: float) -> float:
    return math.log(share) - math.log1p(-share)


def _share(log_odds: float) -> float:
    return 0.5 + 0.5 * math.tanh(log_odds / 2)
