"""Put an estimate, its test and its variance components into a row."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from tasks.comparison.claims.expectation import is_tolerant, null_of, trained_once
from tasks.comparison.row import Row
from tasks.statistics.power import detectable, what_narrows
from tasks.statistics.two_way import Components, Estimate


def with_estimate(row: Row, found: Estimate) -> Row:
    """Return ``row`` with the figure, its interval and its components."""
    parts = found.components
    return replace(
        row,
        value=found.value,
        low=found.low,
        high=found.high,
        error=found.error,
        df=found.df,
        sd_seed=math.nan if parts is None else math.sqrt(parts.seed),
        sd_cluster=math.nan if parts is None else math.sqrt(parts.cluster),
        sd_rest=math.nan if parts is None or parts.seeds == 1 else math.sqrt(parts.rest),
        seeds=row.seeds if parts is None else parts.seeds,
        clusters=row.clusters if parts is None else parts.clusters,
    )


def with_test(row: Row, found: Estimate, level: float) -> Row:
    """Return the row of a difference with its test and what would narrow its interval most."""
    row = tested(row, found)
    if found.components is None:
        return row
    return replace(row, narrows=what_narrows(found.components, level, row.cluster))


def tested(row: Row, found: Estimate) -> Row:
    """Return the row of a difference with its test.

    Two arms with one training each are not tested: nothing shows how far training again would move them. Two
    explainers of the same networks are, for these networks.
    """
    row = with_estimate(row, found)
    if found.components is None or trained_once(row):
        return row
    return replace(
        row,
        p=found.p(null_of(row)),
        p_within=math.nan if is_tolerant(row.expected) else found.p_within(row.margin),
    )


def with_detectable(rows: list[Row], confidence: float) -> list[Row]:
    """Return ``rows`` with the detectable difference of each test, at the level of its family.

    In a family of m tests the rule of the page is Holm's, whose first step asks for a p below the level
    divided by m. That step is what a single true difference must pass.
    """
    sizes = family_sizes(rows)
    return [
        replace(row, detectable=_detectable(row, 1 - (1 - confidence) / max(1, sizes[row.family])))
        if row.p == row.p
        else row
        for row in rows
    ]


def family_sizes(rows: Iterable[Row]) -> Counter[str]:
    """Return how many tests each family has."""
    return Counter(row.family for row in rows if row.family and row.p == row.p)


def _detectable(row: Row, level: float) -> float:
    rest = 0.0 if math.isnan(row.sd_rest) else row.sd_rest**2
    return detectable(Components(row.sd_seed**2, row.sd_cluster**2, rest, row.seeds, row.clusters), level)
