"""Long sections cut to one score per metric, with explainers as rows and metrics as columns."""

from collections.abc import Callable, Iterable

from tasks.comparison.analyses.leaderboard import headlines
from tasks.comparison.page.reading import ahead_or_behind, strongest_controls
from tasks.comparison.row import Row
from tasks.comparison.summary import ComparisonSummary
from tasks.comparison.wording import MOST_COLUMNS, with_interval
from tasks.statistics.better import AHEAD, BEHIND
from tasks.statistics.printing import ARROWS, DASH, FLAGGED, number, table

MOST_LINES = 150
"""Sections with more lines are cut."""
REST = (
    "Only the score that represents each metric, as in the leaderboard. All others, and metrics without a "
    "direction, are in `comparison.parquet`."
)


def faithfulness_brief(summary: ComparisonSummary, rows: list[Row]) -> list[str]:
    """Return the means of explainers, then of controls, with flags."""
    found = sorted((row for row in rows if row.kind == "faithfulness"), key=lambda row: row.is_control)
    return [f"{REST} {FLAGGED} marks a flagged score.", *_tables(summary, rows, found, _mean)]


def explainers_brief(summary: ComparisonSummary, rows: list[Row]) -> list[str]:
    """Return the differences of each explainer to the reference explainer, with Holm's p."""
    found = [row for row in rows if row.kind == "between_explainers"]
    told = "Cells: the difference, its interval and p (Holm). **Bold**: significant after correction."

    def cell(row: Row) -> str:
        if row.value != row.value:
            return DASH
        text = f"{with_interval(row)}, p {number(row.p_holm)}"
        return f"**{text}**" if row.p_holm <= 1 - summary.confidence else text

    return [f"{REST} {told}", *_tables(summary, rows, found, cell)]


def controls_brief(summary: ComparisonSummary, rows: list[Row]) -> list[str]:
    """Return the differences of each explainer to the strongest control, which is named."""
    told = (
        "Cells: the difference, its interval and the control. **Bold**: the whole interval is ahead. "
        "*behind*: the whole interval is behind, after Holm's correction over all controls."
    )

    def cell(row: Row) -> str:
        stands, text = ahead_or_behind(row, summary.confidence), with_interval(row)
        text = f"**{text}**" if stands == AHEAD else text
        return f"{text} {row.against}" + (", *behind*" if BEHIND in stands else "")

    return [f"{REST} {told}", *_tables(summary, rows, strongest_controls(rows), cell)]


def _mean(row: Row) -> str:
    return f"{with_interval(row)} {FLAGGED}" if row.flag else with_interval(row)


def _tables(
    summary: ComparisonSummary, rows: list[Row], found: Iterable[Row], cell: Callable[[Row], str]
) -> list[str]:
    """Return tables of a few metrics each: (arm, explainer) against the scores that represent them."""
    chosen = headlines(rows, summary.primary)
    kept = [row for row in found if chosen.get(row.metric) == row.score]
    cells = {(row.arm, row.explainer, row.metric): cell(row) for row in kept}
    names = {
        row.explainer: f"*{row.explainer} (control)*" if row.is_control else row.explainer for row in kept
    }
    heads = {row.metric: f"{row.metric}.{row.score} {ARROWS[row.direction]}" for row in kept}
    places = [(arm, name) for arm in summary.arms for name in names]
    lines: list[str] = []
    for start in range(0, len(heads), MOST_COLUMNS):
        part = list(heads)[start : start + MOST_COLUMNS]
        body = [
            (arm, names[name], *(cells.get((arm, name, metric), DASH) for metric in part))
            for arm, name in places
            if any((arm, name, metric) in cells for metric in part)
        ]
        lines += ["", *table(("arm", "explainer", *(heads[metric] for metric in part)), body)]
    return lines
