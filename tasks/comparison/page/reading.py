"""What a row means in a word or two, and the order of rows in the tables."""

import math
from collections.abc import Iterable

from tasks.comparison.row import Row
from tasks.comparison.rows.flags import lead_of
from tasks.comparison.wording import with_interval
from tasks.statistics.better import BEHIND, better
from tasks.statistics.printing import number

TEST_HEAD = (
    "difference", "p", "p (Holm)", "detectable", "sd: seed / cluster / both", "would narrow it most",
    "reading",
)  # fmt: skip
"""The columns of a paired difference and its test."""
BETTER = "is better"
_FAMILIES = ("primary", "performance", "model", "faithfulness")


def reading(row: Row, confidence: float) -> str:
    """Return the result of a corrected test: which arm or explainer is better, or that it cannot tell."""
    if math.isnan(row.p_holm):
        return "no test"
    if row.p_holm > 1 - confidence:
        return "cannot tell"
    one, other = (row.explainer, row.against_explainer) if row.against_explainer else (row.arm, row.against)
    if row.direction == "none":
        return f"{one} is {'higher' if row.value > 0 else 'lower'}"
    wins = (row.value > 0) == (row.direction == "higher")
    return f"{one if wins else other} {BETTER}"


def tested(row: Row, confidence: float) -> tuple[str, ...]:
    """Return the cells of a difference for the columns :data:`TEST_HEAD`."""
    figures = (row.p, row.p_holm, row.detectable)
    return (
        with_interval(row),
        *(number(figure) for figure in figures),
        spreads(row),
        row.narrows.partition(";")[0],
        reading(row, confidence),
    )


def spreads(row: Row) -> str:
    """Return the three standard deviations: between seeds, between clusters, and of both together."""
    return " / ".join(number(value) for value in (row.sd_seed, row.sd_cluster, row.sd_rest))


def ahead_or_behind(row: Row, confidence: float) -> str:
    """Return where the explainer stands to a control, or that there is no interval."""
    if math.isnan(row.low):
        return "no interval"
    stands = lead_of(row, confidence)
    return f"**{stands}**" if stands == BEHIND else stands


def by_family(rows: Iterable[Row]) -> list[Row]:
    """Return the differences sorted by family: primary, performance, the network, faithfulness."""
    found = [row for row in rows if row.kind == "difference"]
    return sorted(found, key=lambda row: _FAMILIES.index(row.family))


def strongest_controls(rows: Iterable[Row]) -> list[Row]:
    """Return the difference to the best rival control of each arm, explainer and score.

    There is none if the explainer and the controls have no common scored unit.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.kind == "against_control" and row.direction != "none" and not math.isnan(row.value):
            groups.setdefault((row.arm, row.name), []).append(row)
    return [_hardest(group) for group in groups.values()]


def _hardest(rows: list[Row]) -> Row:
    """Return the row in which the explainer is least ahead."""
    hardest = rows[0]
    for row in rows[1:]:
        if better(hardest.value, row.value, row.direction):
            hardest = row
    return hardest
