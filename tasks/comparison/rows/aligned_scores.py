"""One score of one metric for all arms, explainers and seeds, aligned on the same units."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.faithfulness_report import MODEL, ScoreInfo
from tasks.comparison.job import ComparedReport, ComparisonJob
from tasks.statistics.clusters import Clusters, choose_clusters

Floats = NDArray[np.float64]
Key = tuple[str, str, int]
"""Arm, explainer, seed."""
_PLACES = ["unit_id", "patient_id", "slide_id", "section", "label"]
ON, OVER = " on ", " over "
"""Join a score to the label of its tiles, and to the control that is subtracted from it."""


@dataclass(frozen=True)
class AlignedScores:
    """One score of one metric for all arms, explainers and seeds, on the same N units.

    Attributes:
        metric: id of the metric.
        score: name of the score, such as ``gap``, ``gap on tumour`` (the tiles with that label alone) or
            ``gap on tumour over optical_density`` (minus the score of that control's map).
        direction: ``higher``, ``lower`` or ``none`` is better.
        unit: what a unit is: ``tile``, ``section`` or ``slide``.
        unit_rows: one row per unit with unit_id, patient_id, slide_id, section and label.
        values: {(arm, explainer, seed): [N]}, NaN if a unit has no score.
        errors: {(arm, explainer, seed): [N]}, the standard errors of the metric's own random draws.
        controls: the explainers that see no trained model.
        rivals: the controls that explainers must beat by this metric.
        blind: the controls that see no network.
        clusters: the cluster of each unit.
        level: coverage of the intervals.
    """

    metric: str
    score: str
    direction: str
    unit: str
    unit_rows: pd.DataFrame
    values: dict[Key, Floats]
    errors: dict[Key, Floats]
    controls: tuple[str, ...]
    rivals: tuple[str, ...]
    blind: tuple[str, ...]
    clusters: Clusters
    level: float

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The (arm, explainer) pairs with a report, in the order of the tables."""
        return tuple(dict.fromkeys((arm, explainer) for arm, explainer, _ in self.values))

    def seeds(self, arm: str, explainer: str) -> tuple[int, ...]:
        """Return the seeds with a report."""
        return tuple(s for a, e, s in self.values if (a, e) == (arm, explainer))

    def block(self, arm: str, explainer: str, seeds: tuple[int, ...]) -> Floats:
        """Return the values of ``seeds``, float64 [S, N]."""
        return self._stacked(self.values, arm, explainer, seeds)

    def error_block(self, arm: str, explainer: str, seeds: tuple[int, ...]) -> Floats:
        """Return the errors of ``seeds``, float64 [S, N]."""
        return self._stacked(self.errors, arm, explainer, seeds)

    def on(self, label: str) -> "AlignedScores":
        """Return the same scores on the units with ``label`` alone."""
        kept = (self.unit_rows["label"] == label).to_numpy()
        rows = self.unit_rows[kept].reset_index(drop=True)
        return replace(
            self,
            score=f"{self.score}{ON}{label}",
            unit_rows=rows,
            values={key: values[kept] for key, values in self.values.items()},
            errors={key: errors[kept] for key, errors in self.errors.items()},
            clusters=choose_clusters(rows),
        )

    def over(self, control: str) -> "AlignedScores":
        """Return the scores of explainers minus that of ``control`` on the same network and unit."""
        pairs = [key for key in self.values if key[1] not in self.controls]
        kept = [key for key in pairs if (key[0], control, key[2]) in self.values]
        return replace(
            self,
            score=f"{self.score}{OVER}{control}",
            values={key: self.values[key] - self.values[key[0], control, key[2]] for key in kept},
            errors={key: np.hypot(self.errors[key], self.errors[key[0], control, key[2]]) for key in kept},
        )

    def _stacked(self, found: dict[Key, Floats], arm: str, explainer: str, seeds: tuple[int, ...]) -> Floats:
        rows = [found[arm, explainer, seed] for seed in seeds]
        return np.stack(rows) if rows else np.empty((0, len(self.clusters.codes)))


def aligned_scores(job: ComparisonJob, level: float) -> Iterator[AlignedScores]:
    """Yield each named score of each metric in the order of the reports. Networks come after maps.

    A score of removal is yielded by label first, the explained class before all others: what is true of
    tumour tiles and what is true of normal tiles may be opposites, and their mean hides both.
    """
    keys = dict.fromkeys((item.explainer == MODEL, item.metric) for item in job.reports)
    for of_model, metric in sorted(keys, key=lambda key: key[0]):
        items = [i for i in job.reports if (i.explainer == MODEL, i.metric) == (of_model, metric)]
        # Within an arm, explainers come before controls.
        items.sort(key=lambda item: (job.arms.index(item.arm), item.is_control))
        controls = tuple(dict.fromkeys(item.explainer for item in items if item.is_control))
        rivals = tuple(dict.fromkeys(item.explainer for item in items if item.is_rival))
        blind = tuple(name for name in controls if any(i.explainer == name and i.is_blind for i in items))
        tables = {(i.arm, i.explainer, i.seed): _by_score(i) for i in items}
        for info in items[0].report.info.scores:
            for whole in _scored(metric, info, (controls, rivals, blind), tables, level):
                if metric in job.removing:
                    yield from (whole.on(label) for label in _labels(job, whole))
                yield whole


def representative(job: ComparisonJob, scores: Iterable[AlignedScores]) -> list[AlignedScores]:
    """Return one of the scores that differ in their labels alone: the one on the explained class."""
    found = list(scores)
    by_label = {
        (item.metric, item.score.partition(ON)[0])
        for item in found
        if item.score.endswith(f"{ON}{job.target_class}")
    }
    return [
        item
        for item in found
        if (item.metric, item.score.partition(ON)[0]) not in by_label
        or item.score.endswith(f"{ON}{job.target_class}")
    ]


def _labels(job: ComparisonJob, scored: AlignedScores) -> list[str]:
    """Return the classes of the scored units, the explained one first; none where all have the same."""
    order = (job.target_class, *(name for name in job.classes if name != job.target_class))
    known = set(scored.unit_rows["label"])
    return [name for name in order if name in known] if len(known) > 1 else []


def _scored(
    metric: str,
    info: ScoreInfo,
    named: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]],
    tables: dict[Key, dict[str, pd.DataFrame]],
    level: float,
) -> Iterator[AlignedScores]:
    """Yield the score if any unit has it. ``named``: its controls, its rivals and those that are blind."""
    parts = {key: found[info.name] for key, found in tables.items() if info.name in found}
    unit_rows = _unit_rows(parts.values())
    if not len(unit_rows):
        return
    units = pd.Index(unit_rows["unit_id"])
    yield AlignedScores(
        metric=metric,
        score=info.name,
        direction=info.direction,
        unit=str(next(iter(parts.values()))["unit"].iloc[0]),
        unit_rows=unit_rows,
        values={key: _aligned(parts.get(key), units, "value") for key in tables},
        errors={key: _aligned(parts.get(key), units, "error") for key in tables},
        controls=named[0],
        rivals=named[1],
        blind=named[2],
        clusters=choose_clusters(unit_rows),
        level=level,
    )


def _by_score(item: ComparedReport) -> dict[str, pd.DataFrame]:
    """Return {score: the rows of the units that have it}."""
    known = item.report.scores
    known = known[known["value"].notna()]
    return {str(score): part for score, part in known.groupby("score", sort=False)}


def _unit_rows(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return the place of each unit once, sorted by unit id."""
    different: list[pd.DataFrame] = []
    for part in parts:
        # Most reports score the same units in the same order.
        if not different or not np.array_equal(part["unit_id"], different[-1]["unit_id"]):
            different.append(part[_PLACES])
    if not different:
        return pd.DataFrame(columns=_PLACES)
    units = pd.concat(different).drop_duplicates("unit_id").sort_values("unit_id", kind="stable")
    return units.reset_index(drop=True)


def _aligned(part: pd.DataFrame | None, units: pd.Index, column: str) -> Floats:
    """Return ``column`` [N] in the order of ``units``, NaN for units that ``part`` lacks."""
    values = np.full(len(units), np.nan)
    if part is not None:
        values[units.get_indexer(pd.Index(part["unit_id"]))] = part[column]
    return values
