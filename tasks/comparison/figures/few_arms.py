"""The figure for few arms: each score in its own panel, arms by colour and marker."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tasks.comparison.analyses.leaderboard import headlines
from tasks.comparison.figures.axes import COLOURS, CONTROL, style_axes, write_caption
from tasks.comparison.row import Row
from tasks.comparison.summary import ComparisonSummary
from tasks.comparison.wording import NAMES
from tasks.statistics.printing import ARROWS

_MARKERS = ("o", "s", "D", "^", "v", "P", "X")
_COLUMNS = 4
_MOST_PANELS = 24


def draw_few(summary: ComparisonSummary, rows: list[Row]) -> Figure:
    """Draw one small panel for each score. Controls are grey marks."""
    performance = [row for row in rows if row.kind == "performance" and row.value == row.value]
    others = [row for row in rows if row.kind in ("model", "faithfulness")]
    first, further = _panels(performance), _panels(others)
    room = _MOST_PANELS - len(first)
    panels = first + _leading(further, room, headlines(rows, summary.primary))
    heights = [_lines(panel) for panel in panels]
    count = max(1, -(-len(panels) // _COLUMNS))
    by_row = [max(heights[i * _COLUMNS : (i + 1) * _COLUMNS], default=2) for i in range(count)]
    figure = Figure(figsize=(14, 1.1 + sum(0.9 + 0.27 * lines for lines in by_row)), dpi=110)
    FigureCanvasAgg(figure)
    figure.set_layout_engine("constrained", hspace=0.06, wspace=0.04)
    grid = figure.subplots(count, _COLUMNS, squeeze=False, height_ratios=[2 + lines for lines in by_row])
    for axes, panel in zip(grid.ravel(), panels, strict=False):
        _draw_panel(axes, summary, panel)
    for axes in grid.ravel()[len(panels) :]:
        axes.axis("off")
    figure.legend(
        handles=_legend(summary), loc="outside upper left", ncols=len(summary.arms) + 1, frameon=False
    )
    write_caption(figure, _caption(summary, max(0, len(further) - room)))
    return figure


def _panels(rows: list[Row]) -> list[list[Row]]:
    keys = dict.fromkeys((row.metric, row.score) for row in rows)
    return [[row for row in rows if (row.metric, row.score) == key] for key in keys]


def _leading(panels: list[list[Row]], room: int, leading: Mapping[str, str]) -> list[list[Row]]:
    """Return as many panels as there is ``room`` for, preferring the score that represents each metric."""
    led = sorted(panels, key=lambda panel: panel[0].score != leading.get(panel[0].metric, panel[0].score))
    kept = led[:room]
    return [panel for panel in panels if panel in kept]


def _lines(panel: list[Row]) -> int:
    return len(dict.fromkeys(row.explainer for row in panel)) * max(1, len({row.arm for row in panel}) // 2)


def _draw_panel(axes: Axes, summary: ComparisonSummary, panel: list[Row]) -> None:
    first = panel[0]
    names = list(dict.fromkeys(row.explainer for row in sorted(panel, key=lambda row: row.is_control)))
    controls = {row.explainer for row in panel if row.is_control}
    for row in panel:
        arm = summary.arms.index(row.arm)
        step = 0.62 / max(1, len(summary.arms))
        y = names.index(row.explainer) + (arm - (len(summary.arms) - 1) / 2) * step
        _draw_value(axes, row, y, arm)
    title = f"{first.metric} {NAMES.get(first.score, first.score.replace('_', ' '))}"
    axes.set_title(f"{title} {ARROWS[first.direction]}", fontsize=9, loc="left")
    style_axes(axes, names, ticks=4)
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        label.set_color(CONTROL if name in controls else "black")


def _draw_value(axes: Axes, row: Row, y: float, arm: int) -> None:
    colour = CONTROL if row.is_control else COLOURS[arm % len(COLOURS)]
    if row.low == row.low:
        axes.plot([row.low, row.high], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt")
    axes.plot(
        row.value,
        y,
        _MARKERS[arm % len(_MARKERS)],
        color=colour,
        markerfacecolor="white" if row.flag else colour,
        markersize=5.5,
    )


def _legend(summary: ComparisonSummary) -> list[Line2D]:
    arms = [
        Line2D([], [], color=COLOURS[i % len(COLOURS)], marker=_MARKERS[i % len(_MARKERS)], label=arm)
        for i, arm in enumerate(summary.arms)
    ]
    return [*arms, Line2D([], [], color=CONTROL, marker="o", label="control map, no trained model")]


def _caption(summary: ComparisonSummary, left_out: int) -> str:
    notes = "; ".join(summary.clustering)
    more = f" {left_out} more scores are in the tables of comparison.md." if left_out else ""
    return (
        f"{summary.study}: means over seeds with {summary.confidence:.0%} intervals ({notes}). "
        f"{ARROWS['higher']} higher, {ARROWS['lower']} lower is better. "
        f"Hollow: not ahead of every control.{more}"
    )
