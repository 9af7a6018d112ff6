"""Bands around mean curves: the two-way interval of the mean at every point."""

from collections.abc import Iterable
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


@dataclass(frozen=True)
class CurveSums:
    """The curves of N units added up by seed and cluster: all that a band needs of them.

    Attributes:
        sums: float [S, C, F], S training seeds, C clusters, F points.
        counts: float [S, C], the curves in each sum.
    """

    sums: Floats
    counts: Floats

    @property
    def units(self) -> int:
        """The number of curves, summed over seeds."""
        return int(self.counts.sum())


def curve_sums(seeds: Iterable[Floats], clusters: Clusters) -> CurveSums:
    """Return the sums of the curves of each seed; one seed is in memory at a time.

    Args:
        seeds: at least one, each float [N, F]; a unit with NaN is excluded.
        clusters: of the N units.
    """
    found = [_cluster_sums(curves, clusters.codes) for curves in seeds]
    return CurveSums(np.stack([sums for sums, _ in found]), np.stack([counts for _, counts in found]))


def mean_band(added: CurveSums, clusters: Clusters, level: float) -> Band:
    """Return the mean over units and then seeds with the two-way (seed, cluster) interval at each point.

    The interval holds point by point, not for the curve as a whole.

    Args:
        added: the curves of each seed.
        clusters: of the N units.
        level: coverage of the interval, such as 0.95.

    Raises:
        StatisticsError: there is no curve without NaN.
    """
    if not added.units:
        raise StatisticsError("no unit has a curve: every one holds NaN")
    # Seeds and clusters without a curve are left out.
    sums, counts = occupied(added.sums, added.counts)
    mean = (sums.sum(axis=1) / counts.sum(axis=1)[:, None]).mean(axis=0)
    if clusters.level is None or sums.shape[1] < MINIMUM:
        nothing = np.full_like(mean, np.nan)
        return Band(mean, nothing, nothing)
    error, df = error_and_df(mean_squares(mean_cells(sums, counts)), len(counts), counts.shape[1], 1 - level)
    reach = error * reaches(df, level)
    return Band(mean, mean - reach, mean + reach)


def _cluster_sums(curves: Floats, codes: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the sums [C, F] and numbers [C] of the curves [N, F] without NaN."""
    there = np.isfinite(curves).all(axis=1)
    count = int(codes.max(initial=0)) + 1
    sums, counts = np.zeros((count, curves.shape[1])), np.zeros(count)
    np.add.at(sums, codes[there], curves[there])
    np.add.at(counts, codes[there], 1.0)
    return sums, counts
