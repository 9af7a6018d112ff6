"""Intervals and tests of scores that are no means, by the two-way (seed, cluster) draws used for means."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from tasks.comparison.rows.cluster_sums import ClusterSums
from tasks.statistics.bootstrap import BootstrapSettings, Interval, drawn_weights, tail_levels
from tasks.statistics.power import detectable_difference

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Draws:
    """How often each of S seeds [D, S] and C clusters [D, C] was drawn."""

    seeds: Floats
    clusters: Floats


def draw(seeds: int, clusters: int, settings: BootstrapSettings) -> Draws:
    """Draw seeds and clusters with replacement. Means are resampled with the same draws."""
    return Draws(*drawn_weights(seeds, clusters, settings))


def point(sums: list[ClusterSums]) -> float:
    """Return the mean over seeds of the score on all units. ``sums`` has one entry per seed."""
    whole = [one.of(np.ones((1, len(one.occupied))))[0] for one in sums]
    return float(np.mean(whole))


def drawn(sums: list[ClusterSums], draws: Draws) -> Floats:
    """Return the score [D] of each draw, the mean over its seeds. NaN if it is undefined on a draw."""
    by_seed = np.stack([one.of(draws.clusters) for one in sums], axis=1)
    return np.asarray((draws.seeds * by_seed).sum(axis=1) / draws.seeds.sum(axis=1), dtype=np.float64)


def interval(estimate: float, replicates: Floats, clusters: int, settings: BootstrapSettings) -> Interval:
    """Return the percentile interval of ``replicates`` [D], without undefined draws."""
    known = replicates[np.isfinite(replicates)]
    if len(known) < 2:
        return Interval(estimate, float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(known, tail_levels(clusters, settings))
    return Interval(estimate, float(low), float(high), float(known.std(ddof=1)))


def p_value(replicates: Floats, clusters: int, settings: BootstrapSettings) -> tuple[float, float]:
    """Return (p, smallest attainable p). p is 1 minus the level whose interval just reaches zero."""
    known = replicates[np.isfinite(replicates)]
    fewer = min(int((known <= 0).sum()), int((known >= 0).sum()))
    return (
        _reaching((fewer + 1) / (len(known) + 1), clusters, settings),
        _reaching(1 / (len(known) + 1), clusters, settings),
    )


def detectable(error: float, settings: BootstrapSettings) -> float:
    """Return the smallest true difference that is detected with a power of 0.8, by the normal approximation.

    NaN if all draws agree, because the data then say nothing about the variation of the score.
    """
    if not error > 0:
        return float("nan")
    return detectable_difference(error, settings.level)


def _reaching(tail: float, clusters: int, settings: BootstrapSettings) -> float:
    """Return the p whose interval begins at the quantile ``tail``. This inverts the rule of the interval."""

    def beyond(p: float) -> float:
        return tail_levels(clusters, replace(settings, level=1 - p))[0] - tail

    ends = (1e-9, 1 - 1e-9)
    if beyond(ends[1]) <= 0:
        return 1.0
    return ends[0] if beyond(ends[0]) >= 0 else float(optimize.brentq(beyond, *ends))
