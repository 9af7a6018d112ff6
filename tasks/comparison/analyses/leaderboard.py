"""The leaderboard: one line per arm and explainer, and one per arm for the best control.

Scores are not summed into one rank. They ask different questions (the effect of removal, localisation,
robustness to noise), several are areas under the same curves and would count twice, and a sum would hide that
a control wins one of them.
"""

from collections.abc import Iterable

import pandas as pd

from tasks.comparison.row import Row
from tasks.statistics.better import better

BEST_CONTROL = "best control"
"""Takes the place of the explainer. The control behind it may differ from score to score."""

Score = tuple[str, str]
"""Metric and score."""


def leaderboard(rows: Iterable[Row]) -> pd.DataFrame:
    """Return the leaderboard with four columns per score.

    Columns: ``arm``, ``explainer``, then for each score ``<metric>.<score> (higher is better)`` (or lower, or
    no direction), ``<metric>.<score> low``, ``high`` and ``note``. The note says why a value is no evidence,
    or names the best control among the rivals of the metric. A score without a direction has no best
    control.
    """
    maps = [row for row in rows if row.kind == "faithfulness"]
    best = best_controls(maps)
    lines: dict[tuple[str, str], dict[str, float | str]] = {}
    for arm in dict.fromkeys(row.arm for row in maps):
        found = [row for row in maps if row.arm == arm and not row.is_control]
        for row in found:
            lines.setdefault((arm, row.explainer), {}).update(_cells(row, row.flag))
        for row in (row for (of_arm, _), row in best.items() if of_arm == arm):
            lines.setdefault((arm, BEST_CONTROL), {}).update(_cells(row, row.explainer))
    scores = dict.fromkeys((row.metric, row.score, row.direction) for row in maps)
    columns = [name for metric, score, direction in scores for name in _names(metric, score, direction)]
    table = pd.DataFrame([{"arm": arm, "explainer": name, **line} for (arm, name), line in lines.items()])
    return table.reindex(columns=["arm", "explainer", *columns])


def best_controls(rows: Iterable[Row]) -> dict[tuple[str, Score], Row]:
    """Return {(arm, (metric, score)): the row of the best rival}. The first of equal rivals wins."""
    best: dict[tuple[str, Score], Row] = {}
    for row in rows:
        if row.kind == "faithfulness" and row.is_rival and row.value == row.value:
            key = row.arm, (row.metric, row.score)
            if row.direction != "none" and (key not in best or _beats(row, best[key])):
                best[key] = row
    return best


def headlines(rows: Iterable[Row], primary: str | None) -> dict[str, str]:
    """Return {metric: the score that represents it}: the primary one, else the first with a direction."""
    found: dict[str, str] = {}
    for row in rows:
        if row.kind == "faithfulness" and row.direction != "none":
            found.setdefault(row.metric, row.score)
            if row.name == primary:
                found[row.metric] = row.score
    return found


def _beats(one: Row, other: Row) -> bool:
    return better(one.value, other.value, one.direction)


def _cells(row: Row, note: str) -> dict[str, float | str]:
    names = _names(row.metric, row.score, row.direction)
    return dict(zip(names, (row.value, row.low, row.high, note), strict=True))


def _names(metric: str, score: str, direction: str) -> tuple[str, str, str, str]:
    name = f"{metric}.{score}"
    meaning = "no direction" if direction == "none" else f"{direction} is better"
    return f"{name} ({meaning})", f"{name} low", f"{name} high", f"{name} note"
