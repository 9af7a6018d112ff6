"""Tables for many arms, which are rows. Each score has its own table."""

from collections.abc import Callable, Iterable

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
from tasks.statistics.printing import ARROWS, DASH, FLAGGED, table


def performance_tables(summary: ComparisonSummary, rows: list[Row]) -> list[str]:
    """Return one table per level: arms (rows), scores (columns)."""
    levels = _grouped((row for row in rows if row.kind == "performance"), lambda row: row.metric)
    if not levels:
        return ["No evaluated tile has a label."]
    return _stacked(_arms_by_score(summary, f"{level} level", group) for level, group in levels.items())


def network_tables(summary: ComparisonSummary, rows: list[Row]) -> list[str]:
    """Return one table per model metric: arms (rows), scores (columns)."""
    metrics = _grouped((row for row in rows if row.kind == "model"), lambda row: row.metric)
    return _stacked(_arms_by_score(summary, metric, group) for metric, group in metrics.items())


def faithfulness_tables(summary: ComparisonSummary, rows: list[Row]) -> list[str]:
    """Return one table per score: arms (rows), explainers and controls (columns), flags marked."""
    found = [row for row in rows if row.kind == "faithfulness"]
    scores = _grouped(found, lambda row: f"{row.metric}.{row.score} {ARROWS[row.direction]}".rstrip())
    if not scores:
        return ["No metric was computed."]
    return _stacked(_arms_by_explainer(summary, title, group) for title, group in scores.items())


def difference_tables(summary: ComparisonSummary, rows: list[Row]) -> list[str]:
    """Return one table per endpoint: the paired difference of each arm with its test."""
    endpoints = _grouped(by_family(rows), _endpoint)
    if not endpoints:
        return ["No other arm was evaluated with the reference arm's seeds."]
    return _stacked(_arms_tested(summary, title, group) for title, group in endpoints.items())


def control_tables(rows: list[Row], confidence: float) -> list[str]:
    """Return one table per score and explainer: the difference of each arm to the strongest control."""
    endpoints = _grouped(strongest_controls(rows), _endpoint)
    if not endpoints:
        return ["No control was evaluated."]
    head = ("arm", "strongest control", "explainer minus control", "reading")
    cells = {
        title: [(row.arm, row.against, with_interval(row), ahead_or_behind(row, confidence)) for row in group]
        for title, group in endpoints.items()
    }
    return _stacked([f"### {title}", "", *table(head, body)] for title, body in cells.items())


def _arms_by_score(summary: ComparisonSummary, corner: str, rows: list[Row]) -> list[str]:
    scores = dict.fromkeys((row.score, row.direction) for row in rows)
    found = {(row.arm, row.score): with_interval(row) for row in rows}
    head = [f"{NAMES.get(score, score)} {ARROWS[direction]}".rstrip() for score, direction in scores]
    body = [(arm, *(found.get((arm, score), DASH) for score, _ in scores)) for arm in summary.arms]
    return table((corner, *head), body)


def _arms_by_explainer(summary: ComparisonSummary, title: str, rows: list[Row]) -> list[str]:
    ordered = sorted(rows, key=lambda row: row.is_control)
    names = {row.explainer: f"*{row.explainer}*" if row.is_control else row.explainer for row in ordered}
    found = {
        (row.arm, row.explainer): f"{with_interval(row)} {FLAGGED if row.flag else ''}".rstrip()
        for row in rows
    }
    body = [(arm, *(found.get((arm, explainer), DASH) for explainer in names)) for arm in summary.arms]
    return [f"### {title}", "", *table(("arm", *names.values()), body)]


def _arms_tested(summary: ComparisonSummary, title: str, rows: list[Row]) -> list[str]:
    head = ("arm", *TEST_HEAD)
    body = [
        (
            row.arm,
            *tested(row, summary.confidence),
        )
        for row in rows
    ]
    return [f"### {title}", "", *table(head, body)]


def _endpoint(row: Row) -> str:
    primary = " (primary)" if row.family == "primary" else ""
    return f"{row.name} {ARROWS[row.direction]}".rstrip() + primary


def _grouped(rows: Iterable[Row], key: Callable[[Row], str]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _stacked(parts: Iterable[list[str]]) -> list[str]:
    """Return the lines of all parts, separated by empty lines."""
    lines: list[str] = []
    for part in parts:
        lines += ["", *part] if lines else part
    return lines
