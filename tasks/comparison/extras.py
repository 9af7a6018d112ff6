"""What a comparison shows besides its rows: leaderboard, curves, Pareto front, agreement, extreme tiles."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tasks.comparison.agreeing import Agreed, agreed
from tasks.comparison.curves import MeanCurve, curve_table, curves_an_arm, mean_curves
from tasks.comparison.extremes import extreme_tiles
from tasks.comparison.figure_agreement import draw_agreement
from tasks.comparison.figure_curves import arms_to_draw, draw_curves
from tasks.comparison.figure_pareto import draw_pareto
from tasks.comparison.job import ComparisonJob
from tasks.comparison.leaderboard import headlines, leaderboard
from tasks.comparison.pareto import Pareto, pareto_of
from tasks.comparison.rows import Row
from tasks.comparison.scored import scores_of
from tasks.comparison.summary import Summary
from tasks.statistics.bootstrap import BootstrapSettings

LEADERBOARD, LEADERBOARD_CSV = "leaderboard.parquet", "leaderboard.csv"
CURVES, CURVES_FIGURE = "curves.parquet", "curves.png"
AGREEMENT, AGREEMENT_FIGURE = "agreement.parquet", "agreement.png"
PARETO_FIGURE = "pareto.png"
TILES = "tiles.csv"
FIGURES = (CURVES_FIGURE, PARETO_FIGURE, AGREEMENT_FIGURE)
FILES = (LEADERBOARD, LEADERBOARD_CSV, CURVES, AGREEMENT, TILES, *FIGURES)
"""All that may be written; what a study has nothing for is left out."""


@dataclass(frozen=True)
class Extras:
    """What is found beyond the rows.

    Attributes:
        curves: the mean curves to draw; empty where no metric traces any.
        pareto: accuracy against faithfulness; None where no arm has both.
        agreed: how alike scores rank maps.
        tiles: the worst and the best tiles.
    """

    curves: tuple[MeanCurve, ...]
    pareto: Pareto | None
    agreed: Agreed
    tiles: pd.DataFrame


def extras_of(job: ComparisonJob, summary: Summary, rows: list[Row]) -> Extras:
    """Return what is found beyond ``rows``."""
    settings = BootstrapSettings(draws=job.recipe.draws, seed=job.recipe.seed, level=job.recipe.confidence)
    scored = list(scores_of(job, settings))
    arms = arms_to_draw(summary, curves_an_arm(job))
    return Extras(
        curves=tuple(mean_curves(job, rows, arms, settings)),
        pareto=pareto_of(summary, rows),
        agreed=agreed(scored, settings),
        tiles=extreme_tiles(scored),
    )


def write_extras(summary: Summary, rows: list[Row], extras: Extras, out: Path) -> None:
    """Write those of ``FILES`` that there is anything for into the folder ``out``."""
    board = leaderboard(rows)
    if len(board):
        board.to_parquet(out / LEADERBOARD, index=False)
        board.to_csv(out / LEADERBOARD_CSV, index=False, lineterminator="\n")
    if len(extras.tiles):
        extras.tiles.to_csv(out / TILES, index=False, lineterminator="\n")
    if extras.curves:
        curve_table(extras.curves).to_parquet(out / CURVES, index=False)
        _save(draw_curves(summary, extras.curves), out / CURVES_FIGURE)
    if extras.pareto is not None:
        _save(draw_pareto(summary, extras.pareto), out / PARETO_FIGURE)
    if len(extras.agreed.table):
        extras.agreed.table.to_parquet(out / AGREEMENT, index=False)
        leading = [".".join(score) for score in headlines(rows, summary.primary).items()]
        _save(draw_agreement(summary, extras.agreed, leading), out / AGREEMENT_FIGURE)


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})
