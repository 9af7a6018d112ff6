"""The section with the leaderboard: one score per metric, a few metrics per table."""

from collections.abc import Iterable, Mapping

from tasks.comparison.analyses.leaderboard import BEST_CONTROL, best_controls, headlines
from tasks.comparison.page.captions import drawn_caption, rival_caption
from tasks.comparison.row import Row
from tasks.comparison.summary import ComparisonSummary
from tasks.comparison.wording import MOST_COLUMNS, with_interval
from tasks.statistics.better import better
from tasks.statistics.printing import ARROWS, DASH, FLAGGED, table

Line = tuple[str, str]
"""Arm and explainer."""


_WORDS = (
    "One score per metric: the primary one, or the first that has a direction. All others are in "
    f"`leaderboard.csv`. {ARROWS['higher']} higher is better, {ARROWS['lower']} lower is better. **Bold**: "
    "the best value of the column among those that are ahead of every control in the same arm. Whether it "
    f"differs from the next best is shown by the differences below. {FLAGGED}: behind a control in the same "
    "arm or not told apart from one, by the interval of the paired difference, so the value is no evidence "
    "here. The last line of an arm is its best control, named in "
    "each cell. Ranks are not summed over columns. Metrics ask different questions, several are areas under "
    "the same curves and would count twice, and a sum would hide that a control wins one of them."
)


def leaderboard_section(summary: ComparisonSummary, rows: list[Row]) -> list[str]:
    """Return the whole section with its heading. Empty if no score of a map has a direction.

    Rows are arms and explainers, the best control of an arm last. Columns are metrics.
    """
    chosen = list(headlines(rows, summary.primary).items())
    lines: list[str] = []
    for start in range(0, len(chosen), MOST_COLUMNS):
        part = chosen[start : start + MOST_COLUMNS]
        lines += ["", *table(("arm", "explainer", *_heads(part, rows)), _body(summary, part, rows))]
    return (
        ["## Leaderboard", "", _WORDS + rival_caption(rows) + drawn_caption(lines), *lines] if lines else []
    )


def _heads(scores: Iterable[tuple[str, str]], rows: list[Row]) -> list[str]:
    ways = {(row.metric, row.score): row.direction for row in rows if row.kind == "faithfulness"}
    return [f"{metric}.{score} {ARROWS[ways[metric, score]]}" for metric, score in scores]


def _body(
    summary: ComparisonSummary, scores: list[tuple[str, str]], rows: list[Row]
) -> list[tuple[str, ...]]:
    columns = [_column(score, rows) for score in scores]
    explainers = dict.fromkeys(row.explainer for row in rows if _is_explainer(row))
    lines = [(arm, name) for arm in summary.arms for name in (*explainers, BEST_CONTROL)]
    return [
        (arm, f"*{name}*" if name == BEST_CONTROL else name, *cells)
        for arm, name in lines
        if any(cells := [column.get((arm, name), "") for column in columns])
    ]


def _column(score: tuple[str, str], rows: list[Row]) -> Mapping[Line, str]:
    """Return {(arm, explainer): cell} of the column of (metric, score)."""
    found = [row for row in rows if _is_explainer(row) and (row.metric, row.score) == score]
    best = _best(found)
    cells = {(row.arm, row.explainer): _cell(row, row is best) for row in found}
    controls = {arm: row for (arm, of), row in best_controls(rows).items() if of == score}
    return cells | {(arm, BEST_CONTROL): f"{with_interval(r)} {r.explainer}" for arm, r in controls.items()}


def _cell(row: Row, is_best: bool) -> str:
    if row.value != row.value:
        return DASH
    if row.flag:
        return f"{with_interval(row)} {FLAGGED}"
    return f"**{with_interval(row)}**" if is_best else with_interval(row)


def _best(rows: Iterable[Row]) -> Row | None:
    """Return the row with the best value of those that are ahead of every control in their arm."""
    best: Row | None = None
    for row in rows:
        if not row.flag and row.value == row.value:
            best = row if best is None or better(row.value, best.value, row.direction) else best
    return best


def _is_explainer(row: Row) -> bool:
    return row.kind == "faithfulness" and not row.is_control
