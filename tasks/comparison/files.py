"""The files of a comparison: their names, how they are written and how they are read."""

from pathlib import Path

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tasks.comparison.analyses.analyse import Analyses
from tasks.comparison.analyses.curves import curve_table
from tasks.comparison.figures.agreement import draw_agreement
from tasks.comparison.figures.curves import draw_curves
from tasks.comparison.figures.few_arms import draw_few
from tasks.comparison.figures.many_arms import draw_many
from tasks.comparison.figures.pareto import draw_pareto
from tasks.comparison.figures.two_axes import draw_axes
from tasks.comparison.page.document import write_page
from tasks.comparison.row import Row, table_of
from tasks.comparison.summary import ComparisonSummary
from tasks.comparison.wording import MOST_COLUMNS

TABLE = "comparison.parquet"
PAGE = "comparison.md"
FIGURE = "comparison.png"
SUMMARY = "comparison.json"
LEADERBOARD, LEADERBOARD_CSV = "leaderboard.parquet", "leaderboard.csv"
CURVES, CURVES_FIGURE = "curves.parquet", "curves.png"
AGREEMENT, AGREEMENT_FIGURE = "agreement.parquet", "agreement.png"
PARETO_FIGURE = "pareto.png"
AXES_FIGURE = "axes.png"
MAP_AGREEMENT = "map_agreement.parquet"
TILES = "tiles.csv"
FILES = (
    PAGE, FIGURE, TABLE, SUMMARY,
    LEADERBOARD, LEADERBOARD_CSV, CURVES, AGREEMENT, TILES, CURVES_FIGURE, PARETO_FIGURE, AGREEMENT_FIGURE,
    AXES_FIGURE, MAP_AGREEMENT,
)  # fmt: skip
"""All files that a comparison may hold. The first four are always written."""


def write_files(summary: ComparisonSummary, rows: list[Row], analyses: Analyses, out: Path) -> None:
    """Write the table, the summary, the page and the figure, and a file for each analysis with a result."""
    table_of(rows).to_parquet(out / TABLE, index=False)
    (out / SUMMARY).write_text(summary.model_dump_json(indent=1), encoding="utf-8")
    (out / PAGE).write_text(write_page(summary, rows, analyses), encoding="utf-8")
    draw_comparison(summary, rows, out / FIGURE)
    _write_tables(analyses, out)
    _draw_analyses(summary, analyses, out)


def draw_comparison(summary: ComparisonSummary, rows: list[Row], path: Path) -> None:
    """Draw ``comparison.png``: up to five arms by colour with every score, more arms as lines."""
    draw = draw_few if len(summary.arms) <= MOST_COLUMNS else draw_many
    _save(draw(summary, rows), path)


def read_rows(folder: Path) -> pd.DataFrame:
    """Return the table of a stored comparison."""
    return pd.read_parquet(folder / TABLE)


def read_summary(folder: Path) -> ComparisonSummary:
    """Return the summary of a stored comparison."""
    return ComparisonSummary.model_validate_json((folder / SUMMARY).read_bytes())


def _write_tables(analyses: Analyses, out: Path) -> None:
    if len(analyses.leaderboard):
        analyses.leaderboard.to_parquet(out / LEADERBOARD, index=False)
        analyses.leaderboard.to_csv(out / LEADERBOARD_CSV, index=False, lineterminator="\n")
    if len(analyses.tiles):
        analyses.tiles.to_csv(out / TILES, index=False, lineterminator="\n")
    if analyses.curves:
        curve_table(analyses.curves).to_parquet(out / CURVES, index=False)
    if len(analyses.agreement.table):
        analyses.agreement.table.to_parquet(out / AGREEMENT, index=False)
    if analyses.seeds is not None:
        analyses.seeds.table.to_parquet(out / MAP_AGREEMENT, index=False)


def _draw_analyses(summary: ComparisonSummary, analyses: Analyses, out: Path) -> None:
    if analyses.curves:
        _save(draw_curves(summary, analyses.curves), out / CURVES_FIGURE)
    if analyses.pareto is not None:
        _save(draw_pareto(summary, analyses.pareto), out / PARETO_FIGURE)
    if analyses.axes is not None and "faithfulness" in analyses.axes.scores:
        _save(draw_axes(summary, analyses.axes), out / AXES_FIGURE)
    if len(analyses.agreement.table):
        figure = draw_agreement(summary, analyses.agreement, analyses.headlines)
        _save(figure, out / AGREEMENT_FIGURE)


def _save(figure: Figure, path: Path) -> None:
    # Without the software's version the same figure gives the same bytes everywhere.
    FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})
