"""Accuracy against faithfulness: the arms and explainers that no other beats in both."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.comparison.analyses.leaderboard import best_controls, headlines
from tasks.comparison.claims.endpoints import endpoint_names
from tasks.comparison.row import Row
from tasks.comparison.summary import ComparisonSummary
from tasks.statistics.better import better

ACCURACY = ("auroc", "balanced_accuracy")
"""The accuracy of an arm is the first of these scores that is defined for all arms."""


@dataclass(frozen=True)
class ParetoPoint:
    """An arm with an explainer: the accuracy of the arm and the faithfulness of the maps."""

    accuracy: Row
    faithfulness: Row

    @property
    def name(self) -> str:
        """``<explainer>, <arm>``."""
        return f"{self.faithfulness.explainer}, {self.faithfulness.arm}"


@dataclass(frozen=True)
class ParetoAnalysis:
    """All points, the Pareto front, and the best control of each arm.

    A point that is not ahead of every control is no evidence. It is not on the front and removes no other
    point from it.
    """

    points: tuple[ParetoPoint, ...]
    front: tuple[ParetoPoint, ...]
    controls: tuple[ParetoPoint, ...]


def pareto_of(summary: ComparisonSummary, rows: list[Row]) -> ParetoAnalysis | None:
    """Return the points by the score of the primary endpoint, or else the first score with a direction.

    None if no arm has both an accuracy and a scored map.
    """
    accuracy = _accuracy(rows)
    chosen = _score(summary, rows)
    if not accuracy or chosen is None:
        return None
    found = [row for row in rows if row.kind == "faithfulness" and (row.metric, row.score) == chosen]
    points = tuple(
        ParetoPoint(accuracy[row.arm], row)
        for row in found
        if not row.is_control and row.arm in accuracy and row.value == row.value
    )
    best = {arm: row for (arm, score), row in best_controls(rows).items() if score == chosen}
    controls = tuple(ParetoPoint(accuracy[arm], row) for arm, row in best.items() if arm in accuracy)
    return ParetoAnalysis(points, front_of(points), controls) if points else None


def front_of(points: Sequence[ParetoPoint]) -> tuple[ParetoPoint, ...]:
    """Return the points that no other point dominates, the most accurate first.

    A point dominates another if it is better in one of the two and at least equal in the other.
    """
    told = [point for point in points if not point.faithfulness.flag]
    kept = [point for point in told if not any(_beats(other, point) for other in told)]
    return tuple(sorted(kept, key=lambda point: -point.accuracy.value))


def _beats(one: ParetoPoint, other: ParetoPoint) -> bool:
    pairs = ((one.accuracy, other.accuracy), (one.faithfulness, other.faithfulness))
    ahead = [better(mine.value, its.value, its.direction) for mine, its in pairs]
    return any(ahead) and all(
        won or mine.value == its.value for won, (mine, its) in zip(ahead, pairs, strict=True)
    )


def _accuracy(rows: list[Row]) -> dict[str, Row]:
    """Return {arm: its accuracy}, by a score that is defined for every evaluated arm.

    It is that of tiles, or of slides where models were not asked about tiles.
    """
    known = [row for row in rows if row.kind == "performance"]
    level = "tile" if any(row.metric == "tile" for row in known) else "slide"
    for score in ACCURACY:
        found = {row.arm: row for row in known if (row.metric, row.score) == (level, score)}
        if found and all(row.value == row.value for row in found.values()):
            return found
    return {}


def _score(summary: ComparisonSummary, rows: list[Row]) -> tuple[str, str] | None:
    """Return the (metric, score) that stands for faithfulness, None if there is none."""
    known = headlines(rows, summary.primary)
    if summary.primary is not None:
        _, metric, score = endpoint_names(summary.primary)
        if known.get(metric) == score:
            return metric, score
    return next(iter(known.items()), None)
