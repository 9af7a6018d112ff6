"""The tables of the page; arms are columns, so that they stand side by side."""

import math
from collections.abc import Iterable

from tasks.comparison.rows import Row, better
from tasks.comparison.summary import Summary
from tasks.comparison.wording import ARROWS, DASH, NAMES, number, table, with_interval

_COSTS = {
    "seconds": "training seconds",
    "tiles_per_second": "tiles per second",
    "peak_memory_mb": "peak memory, MB",
    "epochs": "epochs",
}


def performance_table(summary: Summary, rows: list[Row]) -> list[str]:
    """Level x score against arms."""
    found = [row for row in rows if row.kind == "performance"]
    keys = dict.fromkeys((row.metric, row.score, row.direction) for row in found)
    body = [
        (f"{level} {NAMES.get(score, score)} {ARROWS[direction]}", *_cells(summary, found, "", level, score))
        for level, score, direction in keys
    ]
    return table(("score", *summary.arms), body) if body else ["No evaluated tile has a label."]


def faithfulness_table(summary: Summary, rows: list[Row]) -> list[str]:
    """For each score the explainers, then the controls, against arms; with flags."""
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


def difference_table(summary: Summary, rows: list[Row]) -> list[str]:
    """Every paired difference with its test and what could have been found."""
    found = [row for row in rows if row.kind == "difference"]
    if not found:
        return ["There is one arm, or no other arm was evaluated with the reference arm's seeds."]
    order = {"primary": 0, "performance": 1, "faithfulness": 2}
    head = ("endpoint", "arm", "difference", "p", "p (Holm)", "smallest p", "detectable", "reading")
    body = [
        (
            f"{'**primary** ' if row.family == 'primary' else ''}{row.name} {ARROWS[row.direction]}",
            row.arm,
            with_interval(row),
            *(number(value) for value in (row.p, row.p_holm, row.smallest_p, row.detectable)),
            reading(row, summary.confidence),
        )
        for row in sorted(found, key=lambda row: order[row.family])
    ]
    return table(head, body)


def control_table(rows: list[Row]) -> list[str]:
    """For each explainer, score and arm the difference to the strongest control."""
    found = [row for row in rows if row.kind == "against_control" and row.direction != "none"]
    keys = dict.fromkeys((row.arm, row.explainer, row.metric, row.score) for row in found)
    body = []
    for key in keys:
        these = [row for row in found if (row.arm, row.explainer, row.metric, row.score) == key]
        hardest = _hardest(these)
        body.append(
            (
                f"{hardest.name} {ARROWS[hardest.direction]}",
                hardest.arm,
                hardest.against,
                with_interval(hardest),
                _standing(hardest),
            )
        )
    head = ("score", "arm", "strongest control", "explainer less control", "reading")
    return table(head, body) if body else ["No control was evaluated."]


def cost_table(summary: Summary, rows: list[Row]) -> list[str]:
    """Measure against arms, means over seeds, and the ratio to the reference arm."""
    found = [row for row in rows if row.kind == "cost"]
    body = []
    for score in dict.fromkeys(row.score for row in found):
        values = {row.arm: row.value for row in found if row.score == score}
        base = values.get(summary.reference_arm, math.nan)
        cells = [_cost(values.get(arm, math.nan), base, arm == summary.reference_arm) for arm in summary.arms]
        body.append((_COSTS.get(score, score), *cells))
    return table(("mean over seeds", *summary.arms), body) if body else ["Not measured in this run."]


def reading(row: Row, confidence: float) -> str:
    """Return what a corrected test tells: who is better, or that one cannot tell."""
    if math.isnan(row.p_holm):
        return "no test"
    if row.p_holm > 1 - confidence:
        return "cannot tell"
    if row.direction == "none":
        return f"{row.arm} is {'higher' if row.value > 0 else 'lower'}"
    wins = (row.value > 0) == (row.direction == "higher")
    return f"{row.arm if wins else row.against} is better"


def _cells(summary: Summary, rows: Iterable[Row], explainer: str, metric: str, score: str) -> list[str]:
    key = (explainer, metric, score)
    found = {row.arm: row for row in rows if (row.explainer, row.metric, row.score) == key}
    return [with_interval(found[arm]) if arm in found else DASH for arm in summary.arms]


def _flags(summary: Summary, rows: list[Row]) -> str:
    """Return the flag once where it holds for all arms, or arm by arm."""
    flags = {row.arm: row.flag for row in rows if row.flag}
    if len(flags) == len(rows) and len(set(flags.values())) == 1:
        return next(iter(flags.values()))
    return "; ".join(f"{arm}: {flags[arm]}" for arm in summary.arms if arm in flags)


def _hardest(rows: list[Row]) -> Row:
    """Return the row in which the explainer is least ahead."""
    hardest = rows[0]
    for row in rows[1:]:
        if math.isnan(hardest.value) or better(hardest.value, row.value, row.direction):
            hardest = row
    return hardest


def _standing(row: Row) -> str:
    if math.isnan(row.low):
        return "no interval"
    ahead, behind = (row.low > 0, row.high < 0) if row.direction == "higher" else (row.high < 0, row.low > 0)
    return "ahead" if ahead else "**behind**" if behind else "not told apart"


def _cost(value: float, base: float, is_reference: bool) -> str:
    shown = f"{value:.1f}" if not math.isnan(value) else DASH
    if is_reference or math.isnan(value) or not base > 0:
        return shown
    return f"{shown} ({value / base:.2f} x)"
