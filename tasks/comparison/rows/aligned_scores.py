"""One score of one metric for all arms, explainers and seeds, aligned on the same units."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.faithfulness_report import MODEL, UNIT_ORIGIN, ScoreInfo
from tasks.comparison.job import ComparedReport, ComparisonJob
from tasks.statistics.clusters import Clusters, choose_clusters

Floats = NDArray[np.float64]
Key = tuple[str, str, int]
"""Arm, explainer, seed."""
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


@dataclass(frozen=True)
class ScoredUnits:
    """One score of one report on the n units that have it.

    Attributes:
        unit: what a unit is.
        origin: n rows of ``UNIT_ORIGIN``; reports that score the same units share one table.
        values: float64 [n].
        errors: float64 [n], NaN where the metric draws nothing.
    """

    unit: str
    origin: pd.DataFrame
    values: Floats
    errors: Floats


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
        tables = _tables(items)
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
    tables: dict[Key, dict[str, ScoredUnits]],
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
        unit=next(iter(parts.values())).unit,
        unit_rows=unit_rows,
        values={key: _aligned(parts.get(key), units, of_errors=False) for key in tables},
        errors={key: _aligned(parts.get(key), units, of_errors=True) for key in tables},
        controls=named[0],
        rivals=named[1],
        blind=named[2],
        clusters=choose_clusters(unit_rows),
        level=level,
    )


def _tables(items: Iterable[ComparedReport]) -> dict[Key, dict[str, ScoredUnits]]:
    """Return {score: the units that have it} of each report, which is dropped before the next is read."""
    tables: dict[Key, dict[str, ScoredUnits]] = {}
    known: dict[str, pd.DataFrame] = {}
    for item in items:
        table = item.report.scores
        parts = table[table["value"].notna()].groupby("score", sort=False)
        own = {str(score): _part(part, known.get(str(score))) for score, part in parts}
        known |= {score: part.origin for score, part in own.items()}
        tables[item.arm, item.explainer, item.seed] = own
    return tables


def _part(rows: pd.DataFrame, known: pd.DataFrame | None) -> ScoredUnits:
    """Return the rows of one score; most reports score the units that are ``known`` from the last one."""
    origin = rows[UNIT_ORIGIN].reset_index(drop=True)
    return ScoredUnits(
        unit=str(rows["unit"].iloc[0]),
        origin=known if known is not None and known.equals(origin) else origin,
        values=rows["value"].to_numpy(dtype=np.float64),
        errors=rows["error"].to_numpy(dtype=np.float64),
    )


def _unit_rows(parts: Iterable[ScoredUnits]) -> pd.DataFrame:
    """Return the place of each unit once, sorted by unit id."""
    different: list[pd.DataFrame] = []
    for part in parts:
        if not different or part.origin is not different[-1]:
            different.append(part.origin)
    if not different:
        return pd.DataFrame(columns=UNIT_ORIGIN)
    units = pd.concat(different).drop_duplicates("unit_id").sort_values("unit_id", kind="stable")
    return units.reset_index(drop=True)


def _aligned(part: ScoredUnits | None, units: pd.Index, *, of_errors: bool) -> Floats:
    """Return values or errors [N] in the order of ``units``, NaN for units that ``part`` lacks."""
    values = np.full(len(units), np.nan)
    if part is not None:
        rows = units.get_indexer(pd.Index(part.origin["unit_id"]))
        values[rows] = part.errors if of_errors else part.values
    return values
