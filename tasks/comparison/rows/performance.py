"""The rows on prediction: accuracy and calibration of each arm, and the differences between arms."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.predictions import Predictions
from tasks.comparison.claims.endpoints import DIRECTIONS, LEVELS
from tasks.comparison.job import ComparedCheckpoint, ComparisonJob
from tasks.comparison.recipe import ComparisonRecipe
from tasks.comparison.row import PERFORMANCE, Row
from tasks.comparison.rows.claims import as_claim
from tasks.comparison.rows.cluster_sums import ClusterSums, performance_sums
from tasks.comparison.rows.prediction_units import PredictionUnits, slide_units, tile_units
from tasks.comparison.rows.resampling import Draws, detectable, draw, drawn, interval, p_value, point
from tasks.statistics.bootstrap import BootstrapSettings, Interval
from tasks.statistics.clusters import Clusters, choose_clusters

_NAN = float("nan")


@dataclass(frozen=True)
class EvaluatedLevel:
    """The scores of all checkpoints at one level on the same units, as ``sums`` by (arm, seed) and score."""

    level: str
    sums: Mapping[tuple[str, int], Mapping[str, ClusterSums]]
    clusters: Clusters
    units: int
    settings: BootstrapSettings

    def seeds(self, arm: str) -> tuple[int, ...]:
        """Return the seeds that ``arm`` was trained with."""
        return tuple(seed for known, seed in self.sums if known == arm)

    def of(self, arm: str, seeds: tuple[int, ...], score: str) -> list[ClusterSums]:
        """Return the sums of ``score``, one per seed."""
        return [self.sums[arm, seed][score] for seed in seeds]

    def draws(self, seeds: int) -> Draws:
        """Return the draws. Equal numbers of seeds get equal draws, so that arms are paired."""
        return draw(seeds, self.clusters.count, self.settings)

    def interval(self, estimate: float, replicates: NDArray[np.float64]) -> Interval:
        """Return the interval of ``replicates``."""
        return interval(estimate, replicates, self.clusters.count, self.settings)


def performance_rows(job: ComparisonJob, settings: BootstrapSettings) -> list[Row]:
    """Return the scores of each arm, its differences to the reference arm and the claims, at both levels."""
    rows: list[Row] = []
    for level in LEVELS:
        evaluated = _evaluate(job, level, settings)
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
) -> dict[str, float]:
    """Return ``<level>.<score>`` of one checkpoint, without intervals. Levels without labels are left out."""
    found: dict[str, float] = {}
    by_level = {
        "tile": tile_units(predictions, classes, target),
        "slide": slide_units(predictions, classes, target),
    }
    for level, units in by_level.items():
        if len(units.truth):
            single = np.zeros(len(units.truth), dtype=np.intp)
            sums = performance_sums(units, single, 1, recipe.calibration_bins)
            found.update({f"{level}.{score}": point([one]) for score, one in sums.items()})
    return found


def _evaluate(job: ComparisonJob, level: str, settings: BootstrapSettings) -> EvaluatedLevel | None:
    """Return the sums of all checkpoints, or None if no unit has a label."""
    units = {(item.arm, item.seed): _units(job, item, level) for item in job.checkpoints}
    first = next(iter(units.values()))
    if not len(first.truth):
        return None
    clusters = choose_clusters(first.unit_rows)
    codes = clusters.codes.astype(np.intp)
    count, bins = int(codes.max()) + 1, job.recipe.calibration_bins
    sums = {key: performance_sums(found, codes, count, bins) for key, found in units.items()}
    return EvaluatedLevel(level, sums, clusters, len(codes), settings)


def _units(job: ComparisonJob, item: ComparedCheckpoint, level: str) -> PredictionUnits:
    if level == "tile":
        return tile_units(item.predictions, job.classes, job.target)
    return slide_units(item.predictions, job.classes, job.target)


def _arm_row(evaluated: EvaluatedLevel, arm: str, score: str) -> Row:
    seeds = evaluated.seeds(arm)
    sums = evaluated.of(arm, seeds, score)
    found = Interval(point(sums), _NAN, _NAN, _NAN)
    if evaluated.clusters.level is not None:
        found = evaluated.interval(found.estimate, drawn(sums, evaluated.draws(len(seeds))))
    return Row(
        kind="performance",
        arm=arm,
        metric=evaluated.level,
        score=score,
        direction=DIRECTIONS[score],
        value=found.estimate,
        low=found.low,
        high=found.high,
        cluster=evaluated.clusters.level or "",
        clusters=evaluated.clusters.count,
        patients=evaluated.clusters.patients,
        seeds=len(seeds),
        units=evaluated.units,
        note=evaluated.clusters.note,
    )


def _claims(job: ComparisonJob, evaluated: EvaluatedLevel) -> list[Row]:
    """Return the claims on this level, if both arms were evaluated."""
    return [
        as_claim(_difference(evaluated, claim.arm, claim.against, score), claim)
        for claim in job.recipe.claims
        for explainer, level, score in [claim.names]
        if (explainer, level) == (PERFORMANCE, evaluated.level)
        and evaluated.seeds(claim.arm)
        and evaluated.seeds(claim.against)
    ]


def _difference(evaluated: EvaluatedLevel, arm: str, reference: str, score: str) -> Row:
    """Return ``arm`` minus ``reference``, paired by seed and unit."""
    seeds = tuple(seed for seed in evaluated.seeds(arm) if seed in evaluated.seeds(reference))
    one, other = evaluated.of(arm, seeds, score), evaluated.of(reference, seeds, score)
    mean, mean_against = (point(one), point(other)) if seeds else (_NAN, _NAN)
    estimate = mean - mean_against
    found, p, smallest = Interval(estimate, _NAN, _NAN, _NAN), _NAN, _NAN
    if evaluated.clusters.level is not None and np.isfinite(estimate):
        draws = evaluated.draws(len(seeds))
        replicates = drawn(one, draws) - drawn(other, draws)
        found = evaluated.interval(estimate, replicates)
        p, smallest = p_value(replicates, evaluated.clusters.count, evaluated.settings)
    return Row(
        kind="difference",
        family="performance",
        arm=arm,
        against=reference,
        metric=evaluated.level,
        score=score,
        direction=DIRECTIONS[score],
        value=found.estimate,
        low=found.low,
        high=found.high,
        p=p,
        smallest_p=smallest,
        detectable=detectable(found.error, evaluated.settings),
        cluster=evaluated.clusters.level or "",
        clusters=evaluated.clusters.count,
        patients=evaluated.clusters.patients,
        seeds=len(seeds),
        units=evaluated.units,
        note=evaluated.clusters.note,
        mean=mean,
        mean_against=mean_against,
    )
