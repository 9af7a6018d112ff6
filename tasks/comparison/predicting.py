"""The rows on prediction: every arm's accuracy and calibration, and how arms differ in them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.predictions import Predictions
from tasks.comparison.claiming import as_claim
from tasks.comparison.doubt import Draws, detectable, draw, drawn, interval, p_value, point
from tasks.comparison.endpoints import DIRECTIONS, LEVELS, PERFORMANCE
from tasks.comparison.job import ComparedCheckpoint, ComparisonJob
from tasks.comparison.performance import Units, slide_units, tile_units
from tasks.comparison.recipe import ComparisonRecipe
from tasks.comparison.rows import Row
from tasks.comparison.tally import Tally, performance_tallies
from tasks.statistics.bootstrap import BootstrapSettings, Interval
from tasks.statistics.clusters import Clusters, choose_clusters

_NAN = float("nan")


@dataclass(frozen=True)
class Judged:
    """All checkpoints judged at one level on the same units; ``tallies`` by (arm, seed) and score."""

    level: str
    tallies: Mapping[tuple[str, int], Mapping[str, Tally]]
    clusters: Clusters
    units: int
    settings: BootstrapSettings

    def seeds(self, arm: str) -> tuple[int, ...]:
        """Return the seeds that ``arm`` was trained with."""
        return tuple(seed for known, seed in self.tallies if known == arm)

    def of(self, arm: str, seeds: tuple[int, ...], score: str) -> list[Tally]:
        """Return the tallies of ``score``, one a seed."""
        return [self.tallies[arm, seed][score] for seed in seeds]

    def draws(self, seeds: int) -> Draws:
        """Return the draws; equal numbers of seeds get equal draws, so that arms are paired."""
        return draw(seeds, self.clusters.count, self.settings)

    def interval(self, estimate: float, replicates: NDArray[np.float64]) -> Interval:
        """Return the interval of ``replicates``."""
        return interval(estimate, replicates, self.clusters.count, self.settings)


def performance_rows(job: ComparisonJob, settings: BootstrapSettings) -> list[Row]:
    """Return at both levels every arm's performance, its difference to the reference arm, and the claims."""
    rows: list[Row] = []
    for level in LEVELS:
        judged = _judge(job, level, settings)
        if judged is None:
            continue
        arms = [arm for arm in job.arms if judged.seeds(arm)]
        rows += [_arm_row(judged, arm, score) for arm in arms for score in DIRECTIONS]
        others = [arm for arm in arms if arm != job.reference_arm and job.reference_arm in arms]
        rows += [_difference(judged, arm, job.reference_arm, score) for arm in others for score in DIRECTIONS]
        rows += _claims(job, judged)
    return rows


def checkpoint_scores(
    predictions: Predictions, classes: tuple[str, ...], target: int, recipe: ComparisonRecipe
) -> dict[str, float]:
    """Return ``<level>.<score>`` of one checkpoint, without intervals; levels without labels are left out."""
    found: dict[str, float] = {}
    judged = {
        "tile": tile_units(predictions, classes, target),
        "slide": slide_units(predictions, classes, target),
    }
    for level, units in judged.items():
        if len(units.truth):
            one = np.zeros(len(units.truth), dtype=np.intp)
            tallies = performance_tallies(units, one, 1, recipe.calibration_bins)
            found.update({f"{level}.{score}": point([tally]) for score, tally in tallies.items()})
    return found


def _judge(job: ComparisonJob, level: str, settings: BootstrapSettings) -> Judged | None:
    """Return all checkpoints' tallies, or None where no unit has a label."""
    units = {(item.arm, item.seed): _units(job, item, level) for item in job.checkpoints}
    first = next(iter(units.values()))
    if not len(first.truth):
        return None
    clusters = choose_clusters(first.places)
    codes = clusters.codes.astype(np.intp)
    count, bins = int(codes.max()) + 1, job.recipe.calibration_bins
    tallies = {key: performance_tallies(found, codes, count, bins) for key, found in units.items()}
    return Judged(level, tallies, clusters, len(codes), settings)


def _units(job: ComparisonJob, item: ComparedCheckpoint, level: str) -> Units:
    if level == "tile":
        return tile_units(item.predictions, job.classes, job.target)
    return slide_units(item.predictions, job.classes, job.target)


def _arm_row(judged: Judged, arm: str, score: str) -> Row:
    seeds = judged.seeds(arm)
    tallies = judged.of(arm, seeds, score)
    found = Interval(point(tallies), _NAN, _NAN, _NAN)
    if judged.clusters.level is not None:
        found = judged.interval(found.estimate, drawn(tallies, judged.draws(len(seeds))))
    return Row(
        kind="performance",
        arm=arm,
        metric=judged.level,
        score=score,
        direction=DIRECTIONS[score],
        value=found.estimate,
        low=found.low,
        high=found.high,
        cluster=judged.clusters.level or "",
        clusters=judged.clusters.count,
        patients=judged.clusters.patients,
        seeds=len(seeds),
        units=judged.units,
        note=judged.clusters.note,
    )


def _claims(job: ComparisonJob, judged: Judged) -> list[Row]:
    """Return the claims about this level whose two arms were judged."""
    return [
        as_claim(_difference(judged, claim.arm, claim.against, score), claim)
        for claim in job.recipe.claims
        for explainer, level, score in [claim.parts]
        if (explainer, level) == (PERFORMANCE, judged.level)
        and judged.seeds(claim.arm)
        and judged.seeds(claim.against)
    ]


def _difference(judged: Judged, arm: str, reference: str, score: str) -> Row:
    """Return ``arm`` less ``reference``, paired by seed and by unit."""
    seeds = tuple(seed for seed in judged.seeds(arm) if seed in judged.seeds(reference))
    one, other = judged.of(arm, seeds, score), judged.of(reference, seeds, score)
    mean, mean_against = (point(one), point(other)) if seeds else (_NAN, _NAN)
    estimate = mean - mean_against
    found, p, smallest = Interval(estimate, _NAN, _NAN, _NAN), _NAN, _NAN
    if judged.clusters.level is not None and np.isfinite(estimate):
        draws = judged.draws(len(seeds))
        replicates = drawn(one, draws) - drawn(other, draws)
        found = judged.interval(estimate, replicates)
        p, smallest = p_value(replicates, judged.clusters.count, judged.settings)
    return Row(
        kind="difference",
        family="performance",
        arm=arm,
        against=reference,
        metric=judged.level,
        score=score,
        direction=DIRECTIONS[score],
        value=found.estimate,
        low=found.low,
        high=found.high,
        p=p,
        smallest_p=smallest,
        detectable=detectable(found.error, judged.settings),
        cluster=judged.clusters.level or "",
        clusters=judged.clusters.count,
        patients=judged.clusters.patients,
        seeds=len(seeds),
        units=judged.units,
        note=judged.clusters.note,
        mean=mean,
        mean_against=mean_against,
    )
