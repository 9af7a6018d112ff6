"""The first section of the page: what stands, what does not, and what could not have stood."""

from tasks.comparison.reading import out_of_reach, reading
from tasks.comparison.rows import Row
from tasks.comparison.summary import Summary
from tasks.comparison.wording import number, with_interval

_FAMILIES = {"performance": "performance", "model": "the network", "faithfulness": "faithfulness"}
_MOST_NAMED = 12
"""So many of the differences that stand are named; all of them stand in the tables."""


def what_can_be_said(summary: Summary, rows: list[Row]) -> list[str]:
    """Return one line on the primary endpoint, one a family of secondary ones, one on the controls."""
    tests = [row for row in rows if row.kind == "difference"]
    lines = [_primary(summary, [row for row in tests if row.family == "primary"])]
    for family, words in _FAMILIES.items():
        members = [row for row in tests if row.family == family]
        if members:
            lines.append(_secondary(words, members, summary.confidence))
    return [f"- {line}" for line in [*lines, *_flagged(rows)]]


def _primary(summary: Summary, rows: list[Row]) -> str:
    if summary.primary is None:
        if summary.claims:
            return "Claims were named before the run and come next; every other difference is exploratory."
        return "No primary endpoint was named before the run, so every difference below is exploratory."
    if not rows:
        return f"The primary endpoint {summary.primary} was not evaluated."
    said = [
        f"{row.arm} less {row.against}: {with_interval(row)}, p = {number(row.p_holm)} "
        f"({reading(row, summary.confidence)})"
        for row in rows
    ]
    return f"Primary endpoint {summary.primary}: {'; '.join(said)}."


def _secondary(family: str, members: list[Row], confidence: float) -> str:
    told = [row for row in members if row.p_holm <= 1 - confidence]
    names = [f"{row.name} ({row.arm}: {with_interval(row)})" for row in told[:_MOST_NAMED]]
    if len(told) > _MOST_NAMED:
        names.append(f"and {len(told) - _MOST_NAMED} more in the tables")
    named = f": {'; '.join(names)}" if names else ""
    return (
        f"Secondary, {family}: {len(told)} of {len(members)} differences stand after Holm's "
        f"correction{named}. {out_of_reach(members, confidence)}".rstrip()
    )


def _flagged(rows: list[Row]) -> list[str]:
    maps = [row for row in rows if row.kind == "faithfulness"]
    flagged = dict.fromkeys(row.name for row in maps if row.flag)
    judged = dict.fromkeys(row.name for row in maps if not row.is_control and row.direction != "none")
    if not judged:
        return []
    named = f": {', '.join(flagged)}" if flagged else ""
    return [
        f"Of {len(judged)} explainer scores with a direction, {len(flagged)} are equalled or beaten by a "
        f"control in at least one arm and are no evidence here{named}."
    ]
