"""The rows on prediction: accuracy and calibration of each arm, and the differences between arms."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.predictions import Predictions
from tasks.comparison.claims.claim import Claim
from tasks.comparison.claims.endpoints import DIRECTIONS, LEVELS
from tasks.comparison.job import ComparedCheckpoint, ComparisonJob
from tasks.comparison.recipe import ComparisonRecipe
from tasks.comparison.row import PERFORMANCE, Row
from tasks.comparison.rows.claims import as_claim
from tasks.comparison.rows.cluster_sums import ClusterSums, performance_sums, point
from tasks.comparison.rows.estimates import with_estimate, with_test
from tasks.comparison.rows.prediction_units import PredictionUnits, slide_units, tile_units
from tasks.statistics.cells import figure_cells, fraction_estimate
from tasks.statistics.clusters import Clusters, choose_clusters
from tasks.statistics.two_way import Estimate, estimate

Floats = NDArray[np.float64]
_NAN = float("nan")


@dataclass(frozen=True)
class EvaluatedLevel:
    """The scores of all checkpoints at one level on the same units, as ``sums`` by (arm, seed) and score."""

    level: str
    sums: Mapping[tuple[str, int], Mapping[str, ClusterSums]]
    clusters: Clusters
    units: int
    confidence: float

    def seeds(self, arm: str) -> tuple[int, ...]:
        """Return the seeds that ``arm`` was trained with."""
        return tuple(seed for known, seed in self.sums if known == arm)

    def of(self, arm: str, seeds: tuple[int, ...], score: str) -> list[ClusterSums]:
        """Return the sums of ``score``, one per seed."""
        return [self.sums[arm, seed][score] for seed in seeds]

    def cells(self, arm: str, seeds: tuple[int, ...], score: str) -> Floats:
        """Return the pseudo-values [S, C] of ``score``, one line per seed."""
        return np.stack([figure_cells(one.of, self.clusters.count) for one in self.of(arm, seeds, score)])

    def single(self, arm: str, seeds: tuple[int, ...], score: str) -> Estimate:
        """Return ``score`` of one arm with its interval, which stays within 0 and 1."""
        figures = [one.of for one in self.of(arm, seeds, score)]
        return fraction_estimate(figures, self.clusters.count, self.confidence)

    def estimate(self, value: float, cells: Floats) -> Estimate:
        """Return ``value`` with the interval that ``cells`` [S, C] give."""
        return estimate(value, cells, self.confidence)


def performance_rows(job: ComparisonJob, level: float) -> list[Row]:
    """Return the scores of each arm, its differences to the reference arm and the claims, at both levels."""
    rows: list[Row] = []
    for name in LEVELS:
        evaluated = _evaluate(job, name, level)
        if evaluated is None:
            continue
        arms = [arm for arm in job.arms if evaluated.seeds(arm)]
        rows += [_arm_row(evaluated, arm, score) for arm in arms for score in DIRECTIONS]
        others = [arm for arm in arms if arm != job.reference_arm and job.reference_arm in arms]
        rows += [
            _difference(evaluated, arm, job.reference_arm, score) for arm in others for score in DIRECTIONS
        ]
        rows += _claims(job, evaluated)
    return rows


def checkpoint_scores(
    predictions: Predictions, classes: tuple[str, ...], target: int, recipe: ComparisonRecipe
) -> dict[str, Estimate]:
    """Return ``<level>.<score>`` of one checkpoint, with intervals that hold for this network alone.

    Levels without labels are left out.
    """
    found: dict[str, Estimate] = {}
    by_level = {
        "tile": tile_units(predictions, classes, target),
        "slide": slide_units(predictions, classes, target),
    }
    for level, units in by_level.items():
        if len(units.truth):
            clusters = choose_clusters(units.unit_rows)
            count = max(1, clusters.count)
            sums = performance_sums(units, clusters.codes.astype(np.intp), count, recipe.calibration_bins)
            for score, one in sums.items():
                found[f"{level}.{score}"] = fraction_estimate([one.of], count, recipe.confidence)
    return found


def _evaluate(job: ComparisonJob, level: str, confidence: float) -> EvaluatedLevel | None:
    """Return the sums of all checkpoints, or None if no unit has a label."""
    first = _units(job, job.checkpoints[0], level)
    if not len(first.truth):
        return None
    clusters = choose_clusters(first.unit_rows)
    codes = clusters.codes.astype(np.intp)
    count, bins = int(codes.max()) + 1, job.recipe.calibration_bins
    # One model after the other: its units are dropped before the next are read.
    sums = {
        (item.arm, item.seed): performance_sums(_units(job, item, level), codes, count, bins)
        for item in job.checkpoints
    }
    return EvaluatedLevel(level, sums, clusters, len(codes), confidence)


def _units(job: ComparisonJob, item: ComparedCheckpoint, level: str) -> PredictionUnits:
    if level == "tile":
        return tile_units(item.predictions, job.classes, job.target)
    return slide_units(item.predictions, job.classes, job.target)


def _arm_row(evaluated: EvaluatedLevel, arm: str, score: str) -> Row:
    seeds = evaluated.seeds(arm)
    row = replace(_blank(evaluated, arm, score), seeds=len(seeds))
    row = replace(row, value=point(evaluated.of(arm, seeds, score)))
    if evaluated.clusters.level is None or not np.isfinite(row.value):
        return row
    return with_estimate(row, evaluated.single(arm, seeds, score))


def _claims(job: ComparisonJob, evaluated: EvaluatedLevel) -> list[Row]:
    """Return the claims on this level, if both arms were evaluated."""
    return [
        _difference(evaluated, claim.arm, claim.against, score, claim)
        for claim in job.recipe.claims
        for explainer, level, score in [claim.names]
        if (explainer, level) == (PERFORMANCE, evaluated.level)
        and evaluated.seeds(claim.arm)
        and evaluated.seeds(claim.against)
    ]


def _difference(
    evaluated: EvaluatedLevel, arm: str, reference: str, score: str, claim: Claim | None = None
) -> Row:
    """Return ``arm`` minus ``reference``, paired by seed and unit; the row of ``claim``, if one is given."""
    seeds = tuple(seed for seed in evaluated.seeds(arm) if seed in evaluated.seeds(reference))
    row = replace(_blank(evaluated, arm, score), kind="difference", family="performance", against=reference)
    row = row if claim is None else as_claim(row, claim)
    if not seeds:
        return row
    mean, mean_against = (point(evaluated.of(side, seeds, score)) for side in (arm, reference))
    row = replace(row, value=mean - mean_against, mean=mean, mean_against=mean_against, seeds=len(seeds))
    if evaluated.clusters.level is None or not np.isfinite(row.value):
        return row
    cells = evaluated.cells(arm, seeds, score) - evaluated.cells(reference, seeds, score)
    return with_test(row, evaluated.estimate(row.value, cells), evaluated.confidence)


def _blank(evaluated: EvaluatedLevel, arm: str, score: str) -> Row:
    return Row(
        kind="performance",
        arm=arm,
        metric=evaluated.level,
        score=score,
        direction=DIRECTIONS[score],
        value=_NAN,
        cluster=evaluated.clusters.level or "",
        clusters=evaluated.clusters.count,
        patients=evaluated.clusters.patients,
        units=evaluated.units,
        note=evaluated.clusters.note,
    )
