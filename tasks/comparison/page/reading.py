"""What a row means in a word or two, and the order of rows in the tables."""

import math
from collections.abc import Iterable

from tasks.comparison.row import Row
from tasks.comparison.wording import with_interval
from tasks.statistics.better import better
from tasks.statistics.printing import number

TEST_HEAD = ("difference", "p", "p (Holm)", "smallest p", "detectable", "reading")
"""The columns of a paired difference and its test."""
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
    return f"{one if wins else other} is better"


def tested(row: Row, confidence: float) -> tuple[str, ...]:
    """Return the cells of a difference for the columns :data:`TEST_HEAD`."""
    figures = (row.p, row.p_holm, row.smallest_p, row.detectable)
    return with_interval(row), *(number(figure) for figure in figures), reading(row, confidence)


def out_of_reach(tests: Iterable[Row], confidence: float, none: str = "None") -> str:
    """Return a sentence if even the smallest attainable p is too large after correction, else nothing."""
    known = [row.smallest_p for row in tests if not math.isnan(row.p)]
    if not known or min(known) * len(known) <= 1 - confidence:
        return ""
    return (
        f"{none} could: even the smallest attainable p ({number(min(known))}) times {len(known)} tests "
        f"exceeds {1 - confidence:.3g}."
    )


def ahead_or_behind(row: Row) -> str:
    """Return whether the explainer is ahead of the control, behind it, or neither."""
    if math.isnan(row.low):
        return "no interval"
    ahead, behind = (row.low > 0, row.high < 0) if row.direction == "higher" else (row.high < 0, row.low > 0)
    return "ahead" if ahead else "**behind**" if behind else "not told apart"


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
