"""Bands around mean curves: the two-way interval of the mean at every point."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.statistics.cells import mean_cells, occupied
from tasks.statistics.clusters import MINIMUM, Clusters
from tasks.statistics.two_way import Floats, StatisticsError, error_and_df, mean_squares, reaches


@dataclass(frozen=True)
class Band:
    """A mean curve [F] with its lower and upper bound at each point; the bounds are NaN without interval."""

    mean: Floats
    low: Floats
    high: Floats


def mean_band(curves: Floats, clusters: Clusters, level: float) -> Band:
    """Return the mean over units and then seeds with the two-way (seed, cluster) interval at each point.

    The interval holds point by point, not for the curve as a whole.

    Args:
        curves: float [S, N, F], S training seeds, N units, F points; a unit with NaN is excluded.
        clusters: of the N units.
        level: coverage of the interval, such as 0.95.

    Raises:
        StatisticsError: there is no curve without NaN.
    """
    known = np.asarray(np.isfinite(curves).all(axis=2))
    if not known.any():
        raise StatisticsError("no unit has a curve: every one holds NaN")
    sums, counts = _cluster_sums(curves, known, clusters.codes)
    mean = (sums.sum(axis=1) / counts.sum(axis=1)[:, None]).mean(axis=0)
    if clusters.level is None or sums.shape[1] < MINIMUM:
        nothing = np.full_like(mean, np.nan)
        return Band(mean, nothing, nothing)
    error, df = error_and_df(mean_squares(mean_cells(sums, counts)), len(counts), counts.shape[1], 1 - level)
    reach = error * reaches(df, level)
    return Band(mean, mean - reach, mean + reach)


def _cluster_sums(
    curves: Floats, known: NDArray[np.bool_], codes: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Return sums [S, C, F] and numbers of curves [S, C]; seeds and clusters without one are left out."""
    shape = (len(curves), int(codes.max()) + 1)
    sums, counts = np.zeros((*shape, curves.shape[2])), np.zeros(shape)
    for seed, (given, there) in enumerate(zip(curves, known, strict=True)):
        np.add.at(sums[seed], codes[there], given[there])
        np.add.at(counts[seed], codes[there], 1.0)
    return occupied(sums, counts)
