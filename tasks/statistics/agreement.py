"""Agreement of scores on the same maps: Kendall's tau-b per unit, with clustered intervals.

Source: Kendall (1945), "The treatment of ties in ranking problems", Biometrika 33(3): tau-b, with ties.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.statistics.cells import estimate_of_sums, occupied
from tasks.statistics.clusters import MINIMUM, Clusters
from tasks.statistics.two_way import Estimate, Floats, StatisticsError

Block = tuple[int, Floats]
"""The number of a training seed and its scores: float [N, M, E], M scores of E maps of each of N units."""
_UNITS = 256
"""Units at a time, which bounds the memory of a block."""


@dataclass(frozen=True)
class Agreement:
    """M scores compared with one another; every field is [M, M] and symmetric.

    Attributes:
        tau: mean tau-b over units; NaN where it is defined on none.
        low: lower bound of its interval; NaN where fewer than five clusters hold a unit.
        high: upper bound.
        taus: how many tau-b the mean is over.
        clusters: how many clusters hold one.
    """

    tau: Floats
    low: Floats
    high: Floats
    taus: NDArray[np.int64]
    clusters: NDArray[np.int64]


def rank_agreement(blocks: Iterable[Block], seeds: int, clusters: Clusters, level: float) -> Agreement:
    """Return the mean tau-b of every two scores, with the two-way (seed, cluster) interval.

    Args:
        blocks: all on the same N units and M scores, higher better throughout; a seed may have several (one
            per arm), with equal weights.
        seeds: how many training seeds there are.
        clusters: of the N units.
        level: coverage of the interval, such as 0.95.

    Raises:
        StatisticsError: there is no block.
    """
    sums, counts = _gathered(blocks, seeds, clusters.codes)
    held = (counts.sum(axis=0) > 0).sum(axis=0)
    tau, low, high = (np.full(held.shape, np.nan) for _ in range(3))
    for one, other in zip(*np.nonzero(np.triu(held > 0)), strict=True):
        found = _estimate(sums[:, :, one, other], counts[:, :, one, other], level)
        tau[one, other] = tau[other, one] = found.value
        if clusters.level is not None and held[one, other] >= MINIMUM:
            low[one, other] = low[other, one] = found.low
            high[one, other] = high[other, one] = found.high
    return Agreement(tau, low, high, counts.sum(axis=(0, 1)).astype(np.int64), held.astype(np.int64))


def kendall(values: Floats) -> Floats:
    """Return Kendall's tau-b float64 [N, M, M] between M scores over E maps, unit by unit.

    Args:
        values: float [N, M, E]; NaN is a map without that score, excluded from all its pairs.

    NaN where two scores have fewer than two maps in common, or where one gives them all the same value.
    """
    first, second = np.triu_indices(values.shape[2], k=1)
    differences = values[:, :, first] - values[:, :, second]
    known = np.isfinite(differences).astype(np.float64)
    signs = np.sign(np.nan_to_num(differences, nan=0.0, posinf=0.0, neginf=0.0))
    agreeing = signs @ signs.swapaxes(1, 2)
    untied = signs**2 @ known.swapaxes(1, 2)
    scale = np.sqrt(untied * untied.swapaxes(1, 2))
    found: Floats = np.divide(agreeing, scale, out=np.full_like(agreeing, np.nan), where=scale > 0)
    return found


def _gathered(blocks: Iterable[Block], seeds: int, codes: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the sums and the numbers of tau-b, float64 [S, C, M, M]."""
    count = int(codes.max()) + 1 if len(codes) else 0
    found: tuple[Floats, Floats] | None = None
    for seed, values in blocks:
        if found is None:
            shape = (seeds, count, values.shape[1], values.shape[1])
            found = np.zeros(shape), np.zeros(shape)
        for start in range(0, len(codes), _UNITS):
            part = slice(start, start + _UNITS)
            taus = kendall(values[part])
            known = np.isfinite(taus)
            np.add.at(found[0][seed], codes[part], np.where(known, taus, 0.0))
            np.add.at(found[1][seed], codes[part], known)
    if found is None:
        raise StatisticsError("no score of any map was given, so nothing can agree")
    return found


def _estimate(sums: Floats, counts: Floats, level: float) -> Estimate:
    """Return the estimate from [S, C]; seeds and clusters without a tau-b are left out."""
    return estimate_of_sums(*occupied(sums, counts), level)
