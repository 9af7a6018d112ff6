"""Intervals for figures that are no means, by the same two-way (seed, cluster) draws as for means."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from tasks.comparison.rows.cluster_sums import ClusterSums
from tasks.statistics.bootstrap import BootstrapSettings, Interval, drawn_weights, tail_levels

Floats = NDArray[np.float64]
_POWER = 0.8


@dataclass(frozen=True)
class Draws:
    """How often each of S seeds [D, S] and C clusters [D, C] was drawn."""

    seeds: Floats
    clusters: Floats


def draw(seeds: int, clusters: int, settings: BootstrapSettings) -> Draws:
    """Draw seeds and clusters, each with replacement: the draws that means are resampled with too."""
    return Draws(*drawn_weights(seeds, clusters, settings))


def point(tallies: list[ClusterSums]) -> float:
    """Return the mean over seeds of the figure on all units; ``tallies`` has one entry a seed."""
    whole = [tally.of(np.ones((1, len(tally.occupied))))[0] for tally in tallies]
    return float(np.mean(whole))


def drawn(tallies: list[ClusterSums], draws: Draws) -> Floats:
    """Return the figure [D] of each draw, the mean over its seeds; NaN where a draw leaves it undefined."""
    by_seed = np.stack([tally.of(draws.clusters) for tally in tallies], axis=1)
    return np.asarray((draws.seeds * by_seed).sum(axis=1) / draws.seeds.sum(axis=1), dtype=np.float64)


def interval(estimate: float, replicates: Floats, clusters: int, settings: BootstrapSettings) -> Interval:
    """Return the percentile interval of ``replicates`` [D], undefined draws left out."""
    known = replicates[np.isfinite(replicates)]
    if len(known) < 2:
        return Interval(estimate, float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(known, tail_levels(clusters, settings))
    return Interval(estimate, float(low), float(high), float(known.std(ddof=1)))


def p_value(replicates: Floats, clusters: int, settings: BootstrapSettings) -> tuple[float, float]:
    """Return (p, smallest attainable p): where the interval of that level just reaches zero."""
    known = replicates[np.isfinite(replicates)]
    fewer = min(int((known <= 0).sum()), int((known >= 0).sum()))
    return (
        _reaching((fewer + 1) / (len(known) + 1), clusters, settings),
        _reaching(1 / (len(known) + 1), clusters, settings),
    )


def detectable(error: float, settings: BootstrapSettings) -> float:
    """Return the smallest true difference found with a power of 0.8, by the normal law.

    NaN where no draw differs from another: nothing was learned on how far the figure may vary.
    """
    if not error > 0:
        return float("nan")
    reach = stats.norm.isf((1 - settings.level) / 2) + stats.norm.ppf(_POWER)
    return float(reach * error)


def _reaching(tail: float, clusters: int, settings: BootstrapSettings) -> float:
    """Return the p whose interval begins at the quantile ``tail``: the interval's own rule read backwards."""

    def beyond(p: float) -> float:
        return tail_levels(clusters, replace(settings, level=1 - p))[0] - tail

    ends = (1e-9, 1 - 1e-9)
    if beyond(ends[1]) <= 0:
        return 1.0
    return ends[0] if beyond(ends[0]) >= 0 else float(optimize.brentq(beyond, *ends))
