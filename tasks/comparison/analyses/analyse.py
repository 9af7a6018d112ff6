"""All analyses of a comparison beyond its rows, run in one call."""

from dataclasses import dataclass

import pandas as pd

from tasks.comparison.analyses.agreement import MetricAgreement, metric_agreement
from tasks.comparison.analyses.curves import MeanCurve, arms_to_draw, curves_per_arm, mean_curves
from tasks.comparison.analyses.extreme_tiles import extreme_tiles
from tasks.comparison.analyses.leaderboard import headlines, leaderboard
from tasks.comparison.analyses.maps_over_seeds import MapsOverSeeds, maps_over_seeds
from tasks.comparison.analyses.pareto import ParetoAnalysis, pareto_of
from tasks.comparison.analyses.two_axes import AxesAnalysis, axes_of
from tasks.comparison.job import ComparisonJob
from tasks.comparison.row import Row
from tasks.comparison.rows.aligned_scores import aligned_scores, representative
from tasks.comparison.summary import ComparisonSummary


@dataclass(frozen=True)
class Analyses:
    """The results of all analyses.

    Attributes:
        leaderboard: one line per arm and explainer; empty if no map was scored.
        headlines: ``<metric>.<score>`` of the score that represents each metric.
        curves: the mean curves to draw; empty if no metric traces a curve.
        pareto: accuracy against faithfulness; None if no arm has both.
        agreement: how similarly the scores rank maps.
        tiles: the tiles with the lowest and the highest scores.
        axes: maps of slides on both axes; None for a study of tiles.
        seeds: how alike maps of slides are over seeds; None where no arm has two seeds, or for tiles.
    """

    leaderboard: pd.DataFrame
    headlines: tuple[str, ...]
    curves: tuple[MeanCurve, ...]
    pareto: ParetoAnalysis | None
    agreement: MetricAgreement
    tiles: pd.DataFrame
    axes: AxesAnalysis | None = None
    seeds: MapsOverSeeds | None = None


def analyse(job: ComparisonJob, summary: ComparisonSummary, rows: list[Row]) -> Analyses:
    """Run every analysis on ``job`` and its ``rows``."""
    level = job.recipe.confidence
    scores = representative(job, aligned_scores(job, level))
    arms = arms_to_draw(summary, curves_per_arm(job))
    return Analyses(
        leaderboard=leaderboard(rows),
        headlines=tuple(".".join(score) for score in headlines(rows, summary.primary).items()),
        curves=tuple(mean_curves(job, rows, arms, level)),
        pareto=pareto_of(summary, rows),
        agreement=metric_agreement(scores, level),
        tiles=extreme_tiles(scores),
        axes=axes_of(job, rows),
        seeds=maps_over_seeds(job, level),
    )
