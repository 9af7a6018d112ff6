"""Paired comparison of two arms, two explainers, or an explainer and a control."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.statistics.cells import cluster_sums, estimate_of_sums
from tasks.statistics.two_way import Estimate, Floats, StatisticsError


@dataclass(frozen=True)
class PairedDifference:
    """Treated minus control.

    Attributes:
        estimate: the mean difference with its two-way (seed, cluster) interval.
        clusters: how many clusters hold a pair.
        seeds: how many seeds hold a pair.
    """

    estimate: Estimate
    clusters: int
    seeds: int


def paired_difference(
    treated: Floats, control: Floats, codes: NDArray[np.int64], level: float
) -> PairedDifference:
    """Compare two sides on the same units with the same seeds.

    Args:
        treated: float [S, N] or [N]; NaN excludes the pair of that unit.
        control: the same shape and order.
        codes: int64 [N], the cluster of each unit.
        level: coverage of the interval, such as 0.95.

    Raises:
        StatisticsError: the shapes differ or no pair is scored.

    Example:
        Six slides of ten tiles; every treated tile scores 0.1 more, up to noise:

        >>> rng = np.random.default_rng(0)
        >>> control = rng.normal(size=60)
        >>> treated = control + 0.1 + rng.normal(scale=0.02, size=60)
        >>> found = paired_difference(treated, control, np.repeat(np.arange(6), 10), level=0.95)
        >>> found.estimate.low < 0.1 < found.estimate.high, found.estimate.p() < 0.05, found.clusters
        (True, True, 6)
    """
    if treated.shape != control.shape:
        raise StatisticsError(
            f"the two sides have shapes {treated.shape} and {control.shape}; pairs need equal ones"
        )
    sums, counts = cluster_sums(np.atleast_2d(treated - control), codes)
    return PairedDifference(estimate_of_sums(sums, counts, level), sums.shape[1], sums.shape[0])


def paired_units(own: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of ``own`` whose unit ``other`` has too, with the difference of the two as value.

    Both have the columns unit_id and value.
    """
    if np.array_equal(own["unit_id"], other["unit_id"]):
        return own.assign(value=own["value"].to_numpy() - other["value"].to_numpy())
    joined = own.merge(other[["unit_id", "value"]], on="unit_id", suffixes=("", "_other"))
    return joined.assign(value=joined["value"] - joined["value_other"])
