"""Bands around mean curves: the bootstrap of means with the same draws at every point."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.statistics.bootstrap import BootstrapError, BootstrapSettings, Floats, drawn_weights, tail_levels
from tasks.statistics.clusters import MINIMUM, Clusters


@dataclass(frozen=True)
class Band:
    """A mean curve [F] with its lower and upper bound at each point; the bounds are NaN without interval."""

    mean: Floats
    low: Floats
    high: Floats


def mean_band(curves: Floats, clusters: Clusters, settings: BootstrapSettings) -> Band:
    """Return the mean over units and seeds with the two-way (seed, cluster) interval at each point.

    The interval holds point by point, not for the curve as a whole.

    Args:
        curves: float [S, N, F], S training seeds, N units, F points; a unit with NaN is excluded.
        clusters: of the N units.
        settings: draws, seed and level.

    Raises:
        BootstrapError: there is no curve without NaN.
    """
    known = np.asarray(np.isfinite(curves).all(axis=2))
    if not known.any():
        raise BootstrapError("no unit has a curve: every one holds NaN")
    sums, counts = _cluster_sums(curves, known, clusters.codes)
    mean = sums.sum(axis=(0, 1)) / counts.sum()
    if clusters.level is None or sums.shape[1] < MINIMUM:
        nothing = np.full_like(mean, np.nan)
        return Band(mean, nothing, nothing)
    low, high = np.nanquantile(_drawn(sums, counts, settings), tail_levels(sums.shape[1], settings), axis=0)
    return Band(mean, low, high)


def _cluster_sums(
    curves: Floats, known: NDArray[np.bool_], codes: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Return sums [S, C, F] and numbers of curves [S, C]; seeds and clusters without one are left out."""
    shape = (len(curves), int(codes.max()) + 1)
    sums, counts = np.zeros((*shape, curves.shape[2])), np.zeros(shape)
    for seed, (given, there) in enumerate(zip(curves, known, strict=True)):
        np.add.at(sums[seed], codes[there], given[there])
        np.add.at(counts[seed], codes[there], 1.0)
    kept = np.ix_(counts.sum(axis=1) > 0, counts.sum(axis=0) > 0)
    return sums[kept], counts[kept]


def _drawn(sums: Floats, counts: Floats, settings: BootstrapSettings) -> Floats:
    """Return the mean curve [D, F] of each resample of seeds and clusters."""
    by_seed, by_cluster = drawn_weights(counts.shape[0], counts.shape[1], settings)
    number = ((by_seed @ counts) * by_cluster).sum(axis=1)
    total = sum(weight[:, None] * (by_cluster @ one) for weight, one in zip(by_seed.T, sums, strict=True))
    drawn: Floats = np.full((settings.draws, sums.shape[2]), np.nan)
    np.divide(total, number[:, None], out=drawn, where=number[:, None] > 0)
    return drawn
