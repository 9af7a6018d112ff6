"""Two axes of maps of slides: whether they follow the model, and whether they point to labelled tiles.

Neither stands for the other. A map may follow a model that looks at the wrong thing, and a map of nothing but
darkness may point to the tumour. Both are therefore set against the best map that sees no network.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from tasks.comparison.analyses.leaderboard import headlines
from tasks.comparison.job import ComparisonJob
from tasks.comparison.row import Row
from tasks.statistics.better import better
from tasks.statistics.printing import number

Axis = Literal["faithfulness", "plausibility"]
AXES: tuple[Axis, ...] = ("faithfulness", "plausibility")
YES, NO, UNKNOWN = "yes", "no", "cannot tell"
"""Whether an explainer beats the best blind map of its arm."""
_NO_METRIC: dict[Axis, str] = {
    "faithfulness": "the study has no metric that removes tiles, such as tile_deletion",
    "plausibility": (
        "the study has no metric that compares maps with labelled tiles; tile_localisation does, where tiles "
        "have labels"
    ),
}


@dataclass(frozen=True)
class AxesAnalysis:
    """The maps of all arms on both axes.

    Attributes:
        scores: the (metric, score) of each axis that was measured.
        maps: the rows of the scores, explainers and blind maps, in the order of the tables.
        verdicts: one row per axis, arm and explainer: its difference to the best blind map.
        unmeasured: for each axis that was not measured, why not.
    """

    scores: dict[Axis, tuple[str, str]]
    maps: tuple[Row, ...]
    verdicts: tuple[Row, ...]
    unmeasured: dict[Axis, str]

    def row(self, axis: Axis, arm: str, explainer: str) -> Row | None:
        """Return the score of a map on an axis; None where it has none."""
        if axis not in self.scores:
            return None
        key = (arm, explainer, *self.scores[axis])
        return next((r for r in self.maps if (r.arm, r.explainer, r.metric, r.score) == key), None)

    def verdict(self, axis: Axis, arm: str, explainer: str) -> Row | None:
        """Return the difference of an explainer to the best blind map; None where there is none."""
        if axis not in self.scores:
            return None
        key = (arm, explainer, *self.scores[axis])
        return next((r for r in self.verdicts if (r.arm, r.explainer, r.metric, r.score) == key), None)


def against_best_blind(job: ComparisonJob, rows: list[Row]) -> list[Row]:
    """Return for each axis, arm and explainer its paired difference to the best blind map.

    The best one is that over which the explainer is least ahead. All explainers and arms of an axis are one
    family of tests. p is not corrected yet.
    """
    found: list[Row] = []
    for axis, score in axis_scores(job, rows).items():
        groups: dict[tuple[str, str], Row] = {}
        for row in rows:
            if _is_against_blind(job, row, score):
                key = row.arm, row.explainer
                groups[key] = _harder(groups.get(key, row), row)
        found += [
            replace(row, kind="best_blind", family=f"best blind map, {axis}") for row in groups.values()
        ]
    return found


def with_verdict(row: Row, confidence: float) -> Row:
    """Return a row of kind ``best_blind`` with its verdict, any other as it is. p must be corrected."""
    if row.kind != "best_blind":
        return row
    verdict, reason = _verdict(row, confidence)
    return replace(row, verdict=verdict, reason=reason)


def axis_scores(job: ComparisonJob, rows: Iterable[Row]) -> dict[Axis, tuple[str, str]]:
    """Return the (metric, score) that stands for each axis that any map has a score on."""
    if job.axes is None:
        return {}
    known = [row for row in rows if row.kind == "faithfulness" and not math.isnan(row.value)]
    chosen = headlines(known, job.recipe.primary)
    metrics: dict[Axis, str] = {
        "faithfulness": job.axes.faithfulness,
        "plausibility": job.axes.plausibility,
    }
    return {axis: (metric, chosen[metric]) for axis, metric in metrics.items() if metric in chosen}


def axes_of(job: ComparisonJob, rows: list[Row]) -> AxesAnalysis | None:
    """Return the maps on both axes; None for a study of tiles."""
    if job.axes is None:
        return None
    scores = axis_scores(job, rows)
    maps = [
        row
        for row in rows
        if row.kind == "faithfulness"
        and (row.metric, row.score) in scores.values()
        and (not row.is_control or row.explainer in job.blind)
    ]
    return AxesAnalysis(
        scores=scores,
        maps=tuple(maps),
        verdicts=tuple(row for row in rows if row.kind == "best_blind"),
        unmeasured={axis: _why_not(job, axis) for axis in AXES if axis not in scores},
    )


def _is_against_blind(job: ComparisonJob, row: Row, score: tuple[str, str]) -> bool:
    return (
        row.kind == "against_control"
        and (row.metric, row.score) == score
        and row.against in job.blind
        and not math.isnan(row.value)
    )


def _harder(one: Row, other: Row) -> Row:
    """Return the row in which the explainer is less ahead; the first of equal ones."""
    return other if better(one.value, other.value, one.direction) else one


def _verdict(row: Row, confidence: float) -> tuple[str, str]:
    if math.isnan(row.low) or math.isnan(row.p_holm):
        return UNKNOWN, row.note or "there is no interval"
    if row.low == row.high:
        return UNKNOWN, "both differ by the same in every cluster, so nothing shows how far they may differ"
    said = f"p = {number(row.p_holm)} after correction"
    if row.p_holm >= 1 - confidence:
        return UNKNOWN, said
    return (YES if better(row.value, 0.0, row.direction) else NO), said


def _why_not(job: ComparisonJob, axis: Axis) -> str:
    assert job.axes is not None
    metric = job.axes.faithfulness if axis == "faithfulness" else job.axes.plausibility
    if not metric:
        return _NO_METRIC[axis]
    if axis == "plausibility":
        return (
            f"no evaluated slide has both labelled tiles of the explained class and others, so {metric} has "
            "no score"
        )
    return f"no map has a score by {metric}"
