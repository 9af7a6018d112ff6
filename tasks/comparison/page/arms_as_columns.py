"""Tables for few arms, which are columns."""

from collections.abc import Iterable

from tasks.comparison.page.reading import (
    TEST_HEAD,
    ahead_or_behind,
    by_family,
    strongest_controls,
    tested,
)
from tasks.comparison.row import Row
from tasks.comparison.summary import ComparisonSummary
from tasks.comparison.wording import NAMES, with_interval
from tasks.statistics.printing import ARROWS, DASH, table


def performance_table(summary: ComparisonSummary, rows: list[Row]) -> list[str]:
    """Return scores of prediction (rows) per arm (columns)."""
    found = [row for row in rows if row.kind == "performance"]
    keys = dict.fromkeys((row.metric, row.score, row.direction) for row in found)
    body = [
        (f"{level} {NAMES.get(score, score)} {ARROWS[direction]}", *_cells(summary, found, "", level, score))
        for level, score, direction in keys
    ]
    return table(("score", *summary.arms), body) if body else ["No evaluated tile has a label."]


def network_table(summary: ComparisonSummary, rows: list[Row]) -> list[str]:
    """Return scores of model metrics (rows) per arm (columns). Empty if there is none."""
    found = [row for row in rows if row.kind == "model"]
    keys = dict.fromkeys((row.explainer, row.metric, row.score, row.direction) for row in found)
    body = [
        (f"{metric}.{score} {ARROWS[direction]}", *_cells(summary, found, explainer, metric, score))
        for explainer, metric, score, direction in keys
    ]
    return table(("score", *summary.arms), body) if body else []


def faithfulness_table(summary: ComparisonSummary, rows: list[Row]) -> list[str]:
    """Return for each score the explainers, then the controls (rows), per arm (columns), with flags."""
    found = [row for row in rows if row.kind == "faithfulness"]
    if not found:
        return ["No metric was computed."]
    body = []
    for metric, score, direction in dict.fromkeys((r.metric, r.score, r.direction) for r in found):
        these = [row for row in found if (row.metric, row.score) == (metric, score)]
        for explainer in dict.fromkeys(row.explainer for row in sorted(these, key=lambda r: r.is_control)):
            lines = [row for row in these if row.explainer == explainer]
            name = f"*{explainer} (control)*" if lines[0].is_control else explainer
            cells = _cells(summary, lines, explainer, metric, score)
            body.append((f"{metric}.{score} {ARROWS[direction]}", name, *cells, _flags(summary, lines)))
    return table(("score", "explainer", *summary.arms, "flag"), body)


def difference_table(summary: ComparisonSummary, rows: list[Row]) -> list[str]:
    """Return all paired differences with their tests and the detectable differences."""
    head = ("endpoint", "arm", *TEST_HEAD)
    body = [
        (
            f"{'**primary** ' if row.family == 'primary' else ''}{row.name} {ARROWS[row.direction]}",
            row.arm,
            *tested(row, summary.confidence),
        )
        for row in by_family(rows)
    ]
    if not body:
        return ["There is one arm, or no other arm was evaluated with the reference arm's seeds."]
    return table(head, body)


def explainer_table(summary: ComparisonSummary, rows: list[Row]) -> list[str]:
    """Return the differences to the reference explainer in the same arm. Empty if none is named."""
    body = [
        (f"{row.name} {ARROWS[row.direction]}", row.arm, *tested(row, summary.confidence))
        for row in rows
        if row.kind == "between_explainers"
    ]
    return table(("score", "arm", *TEST_HEAD), body) if body else []


def control_table(rows: list[Row], confidence: float) -> list[str]:
    """Return for each explainer, score and arm the difference to the strongest control."""
    body = [
        (
            f"{row.name} {ARROWS[row.direction]}",
            row.arm,
            row.against,
            with_interval(row),
            ahead_or_behind(row, confidence),
        )
        for row in strongest_controls(rows)
    ]
    head = ("score", "arm", "strongest control", "explainer minus control", "reading")
    return table(head, body) if body else ["No control was evaluated."]


def _cells(
    summary: ComparisonSummary, rows: Iterable[Row], explainer: str, metric: str, score: str
) -> list[str]:
    key = (explainer, metric, score)
    found = {row.arm: row for row in rows if (row.explainer, row.metric, row.score) == key}
    return [with_interval(found[arm]) if arm in found else DASH for arm in summary.arms]


def _flags(summary: ComparisonSummary, rows: list[Row]) -> str:
    """Return the flag once if it is the same for all arms, otherwise per arm."""
    flags = {row.arm: row.flag for row in rows if row.flag}
    if len(flags) == len(rows) and len(set(flags.values())) == 1:
        return next(iter(flags.values()))
    return "; ".join(f"{arm}: {flags[arm]}" for arm in summary.arms if arm in flags)
