"""Paired comparison of two arms: interval, two tests, and the detectable difference."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tasks.statistics.bootstrap import (
    BootstrapError,
    BootstrapSettings,
    Floats,
    Interval,
    cluster_sums,
    drawn_means,
    interval_of,
)
from tasks.statistics.power import detectable_difference


@dataclass(frozen=True)
class PairedDifference:
    """Treated minus control.

    Attributes:
        interval: the mean difference with its two-way (seed, cluster) bootstrap interval.
        p: two-sided, uncorrected: the larger of the bootstrap's and of the sign-flip test over clusters.
        smallest_p: the smallest p these seeds, clusters and draws can give.
        detectable: the smallest true difference found with a power of 0.8 at the interval's level, by the
            normal law and the bootstrap's standard error.
        clusters: how many clusters hold a pair.
        seeds: how many seeds are paired.
    """

    interval: Interval
    p: float
    smallest_p: float
    detectable: float
    clusters: int
    seeds: int


def paired_difference(
    treated: Floats, control: Floats, codes: NDArray[np.int64], settings: BootstrapSettings
) -> PairedDifference:
    """Compare two arms on the same units with the same seeds.

    Args:
        treated: float [S, N] or [N]; NaN excludes the pair of that unit.
        control: the same shape and order.
        codes: int64 [N], the cluster of each unit.
        settings: draws, seed and level.

    Raises:
        BootstrapError: the shapes differ or no pair is scored.

    Example:
        Six slides of ten tiles; every treated tile scores 0.1 more, up to noise:

        >>> rng = np.random.default_rng(0)
        >>> control = rng.normal(size=60)
        >>> treated = control + 0.1 + rng.normal(scale=0.02, size=60)
        >>> found = paired_difference(treated, control, np.repeat(np.arange(6), 10), BootstrapSettings())
        >>> found.interval.low < 0.1 < found.interval.high, found.p < 0.05, found.clusters
        (True, True, 6)
    """
    if treated.shape != control.shape:
        raise BootstrapError(f"arms have shapes {treated.shape} and {control.shape}; pairs need equal ones")
    differences = np.atleast_2d(treated - control)
    sums, counts = cluster_sums(differences, codes)
    clusters = sums.shape[1]
    drawn = drawn_means(sums, counts, settings)
    interval = interval_of(sums, counts, drawn, settings)
    smallest_tail = 1 / (settings.draws + 1)
    flips, smallest_flip = sign_flip_p(sums.sum(0), settings)
    return PairedDifference(
        interval=interval,
        p=max(_from_tail(_tail(drawn), clusters, settings), flips),
        smallest_p=max(_from_tail(smallest_tail, clusters, settings), smallest_flip),
        detectable=detectable_difference(interval.error, settings.level),
        clusters=clusters,
        seeds=len(differences),
    )


def sign_flip_p(totals: Floats, settings: BootstrapSettings) -> tuple[float, float]:
    """Return (p, smallest p) of the two-sided sign-flip test: each total [C] might have either sign.

    ``totals`` holds a sum for each cluster. Exact where there are no more sign patterns than draws. Seeds are
    summed into the totals before, since they are not replicates of patients. The p is that of
    ``scipy.stats.permutation_test``, with its sign patterns cached for the next test of as many clusters.
    """
    if len(totals) < 2:
        return 1.0, 1.0
    exact = 2.0 ** len(totals) <= settings.draws
    null = _signs(len(totals), np.inf if exact else settings.draws, settings.seed) @ totals
    observed, unseen = totals.sum(), 0 if exact else 1
    # Equal sums of different patterns may differ in their last bits.
    slack = 100 * np.finfo(np.float64).eps * abs(observed)
    fewer = min(int((null <= observed + slack).sum()), int((null >= observed - slack).sum()))
    smallest = 2.0 ** (1 - len(totals)) if exact else 2 / (settings.draws + 1)
    return min(1.0, 2 * (fewer + unseen) / (len(null) + unseen)), min(1.0, smallest)


@lru_cache(maxsize=4)
def _signs(clusters: int, patterns: float, seed: int) -> Floats:
    """Return sign patterns [P, C] as scipy draws them: all, or the requested number."""
    made: list[Floats] = []

    def keep(flipped: Floats, axis: int) -> Floats:
        made.append(flipped)
        return np.asarray(flipped.sum(axis=axis))

    stats.permutation_test(
        (np.ones(clusters),),
        keep,
        permutation_type="samples",
        vectorized=True,
        n_resamples=patterns,
        rng=np.random.default_rng(seed),
    )
    signs = np.ascontiguousarray(made[-1])
    signs.flags.writeable = False
    return signs


def _tail(drawn: Floats) -> float:
    """Return the smaller fraction of draws on one side of 0, always above 0."""
    drawn = drawn[~np.isnan(drawn)]
    fewer = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return (fewer + 1) / (len(drawn) + 1)


def _from_tail(tail: float, clusters: int, settings: BootstrapSettings) -> float:
    """Return the two-sided p at which the interval just reaches 0: the interval's rule, inverted."""
    if not settings.expanded:
        return min(1.0, 2 * tail)
    if clusters < 2:
        return 1.0
    reach = stats.norm.isf(min(tail, 0.5)) * np.sqrt((clusters - 1) / clusters)
    return float(2 * stats.t.sf(reach, clusters - 1))
