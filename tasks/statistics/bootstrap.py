"""Bootstrap over seeds and clusters at once, for means of scores that are kept unit by unit.

Resampling clusters is resampling their weights, so a draw is two rows of multinomial counts and all draws are
two matrix products. Equal settings give equal weights for equal numbers of seeds and clusters: common random
numbers for all comparisons, drawn once.

Sources: Davison and Hinkley (1997), chapter 3.8 (clusters); Owen (2007), "The pigeonhole bootstrap",
arXiv:0712.1111 (two ways at once); Hesterberg (2015), "What teachers should know about the bootstrap", The
American Statistician 69(4) (the expanded percentile interval for few clusters). The expansion counts
clusters alone: with S seeds the variance between seeds is understated by the factor (S - 1) / S.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_BLOCK = 1000
"""Draws at a time, so that a block stays in the processor's cache."""


class BootstrapError(ValueError):
    """Scores and clusters that do not match."""


@dataclass(frozen=True)
class BootstrapSettings:
    """Number of draws, their seed and the confidence level; ``expanded`` widens intervals of few clusters."""

    draws: int = 10_000
    seed: int = 0
    level: float = 0.95
    expanded: bool = True


@dataclass(frozen=True)
class Interval:
    """A mean with its bounds and its bootstrap standard error; NaN except the mean where there is none."""

    estimate: float
    low: float
    high: float
    error: float


def mean_interval(values: Floats, codes: NDArray[np.int64], settings: BootstrapSettings) -> Interval:
    """Return the mean over units, and over seeds where there are several, with its interval.

    Args:
        values: float [N] or [S, N], S training seeds; NaN is a unit without a score, which is excluded.
        codes: int64 [N], the cluster of each unit.
        settings: draws, seed and level.
    """
    sums, counts = cluster_sums(np.atleast_2d(values), codes)
    return interval_of(sums, counts, drawn_means(sums, counts, settings), settings)


def interval_of(sums: Floats, counts: Floats, drawn: Floats, settings: BootstrapSettings) -> Interval:
    """Return the interval of the draws of :func:`drawn_means`."""
    low, high = np.nanquantile(drawn, tail_levels(sums.shape[1], settings))
    estimate = float(sums.sum() / counts.sum())
    return Interval(estimate, float(low), float(high), float(np.nanstd(drawn, ddof=1)))


def cluster_sums(values: Floats, codes: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the sum and the number of scored units of each seed and cluster, both float64 [S, C].

    Clusters without a scored unit are left out.

    Raises:
        BootstrapError: the lengths differ, or no unit is scored.
    """
    if values.shape[1:] != codes.shape:
        raise BootstrapError(f"{values.shape[1]} units come with {len(codes)} cluster codes; needed as many")
    scored = ~np.isnan(values)
    if not scored.any():
        raise BootstrapError("no unit is scored: every value is NaN")
    present, codes = np.unique(codes, return_inverse=True)
    known = np.where(scored, values, 0.0)
    sums = np.stack([np.bincount(codes, row, len(present)) for row in known])
    counts = np.stack([np.bincount(codes, row, len(present)) for row in scored])
    kept = counts.sum(0) > 0
    return sums[:, kept].astype(np.float64), counts[:, kept].astype(np.float64)


def drawn_means(sums: Floats, counts: Floats, settings: BootstrapSettings) -> Floats:
    """Return float64 [draws]: the mean of each resample of seeds (rows) and clusters (columns)."""
    seeds, clusters = sums.shape
    by_seed, by_cluster = drawn_weights(seeds, clusters, settings)
    total, number = np.empty(settings.draws), np.empty(settings.draws)
    for start in range(0, settings.draws, _BLOCK):
        part = slice(start, start + _BLOCK)
        total[part] = ((by_seed[part] @ sums) * by_cluster[part]).sum(1)
        number[part] = ((by_seed[part] @ counts) * by_cluster[part]).sum(1)
    means: Floats = np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0)
    return means


def tail_levels(clusters: int, settings: BootstrapSettings) -> tuple[float, float]:
    """Return the two quantiles of the draws that bound the interval.

    The plain percentile interval is too short for few clusters, by the n - 1 in the variance and by the tails
    of Student's law; the expanded one moves the quantiles outwards accordingly.
    """
    tail = (1 - settings.level) / 2
    if settings.expanded and clusters > 1:
        from scipy import stats  # takes half a second to import, which a plan need not spend

        reach = stats.t.ppf(tail, clusters - 1) * np.sqrt(clusters / (clusters - 1))
        tail = float(stats.norm.cdf(reach))
    return tail, 1 - tail


def drawn_weights(seeds: int, clusters: int, settings: BootstrapSettings) -> tuple[Floats, Floats]:
    """Return how often each draw has each seed [draws, S] and cluster [draws, C]; cached, so read-only."""
    return _weights(seeds, clusters, settings.draws, settings.seed)


# A study holds few combinations at a time: with all seeds or without one, with all clusters or without one.
@lru_cache(maxsize=4)
def _weights(seeds: int, clusters: int, draws: int, seed: int) -> tuple[Floats, Floats]:
    generator = np.random.default_rng(seed)
    by_seed, by_cluster = (
        generator.multinomial(count, np.full(count, 1 / count), size=draws).astype(np.float64)
        for count in (seeds, clusters)
    )
    by_seed.flags.writeable = by_cluster.flags.writeable = False
    return by_seed, by_cluster
