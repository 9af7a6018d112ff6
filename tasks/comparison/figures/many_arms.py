"""The figure for many arms: one panel per endpoint, one line per arm, claimed endpoints only."""

from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tasks.comparison.figures.axes import CONTROL, style_axes
from tasks.comparison.row import Row
from tasks.comparison.summary import ComparisonSummary
from tasks.statistics.printing import ARROWS

_REFERENCE, _ARM = "#000000", "#0072B2"
_CONTROL_MARKS = ("|", "x", "+", "1", "2", "3", "4", "_", "*", ".")
_COLUMNS = 3
_MOST_PANELS = 12
_KINDS = ("performance", "faithfulness", "model")


def draw_many(summary: ComparisonSummary, rows: list[Row]) -> Figure:
    """Draw the claimed and the primary endpoints. If there are none, draw the first of each metric."""
    found = [row for row in rows if row.kind in _KINDS and row.value == row.value]
    names = _chosen(summary, rows, found)
    columns = min(_COLUMNS, max(1, len(names)))
    lines = max(1, -(-len(names) // columns))
    figure = Figure(figsize=(15, 1.7 + lines * (0.8 + 0.23 * len(summary.arms))), dpi=110)
    figure.set_layout_engine("constrained", hspace=0.05, wspace=0.03)
    grid = figure.subplots(lines, columns, squeeze=False, sharey=True)
    controls = list(dict.fromkeys(row.explainer for row in found if row.is_control))
    for axes, name in zip(grid.ravel(), names, strict=False):
        _draw_panel(axes, summary, name, found, controls)
    for axes in grid.ravel()[len(names) :]:
        axes.axis("off")
    figure.legend(
        handles=_legend(summary, controls), loc="outside upper left", ncols=3 + len(controls), frameon=False
    )
    left_out = len({row.name for row in found if not row.is_control} - set(names))
    figure.supxlabel(_caption(summary, left_out), fontsize=8, color="#5c5c5c", x=0.01, ha="left")
    return figure


def _chosen(summary: ComparisonSummary, rows: list[Row], found: list[Row]) -> list[str]:
    """Return the names of the endpoints to draw, claimed endpoints first."""
    names = [row.name for row in rows if row.kind == "claim"]
    names += [summary.primary] if summary.primary else []
    if not names:
        firsts = {row.metric: row.name for row in reversed(found) if not row.is_control}
        names = list(reversed(firsts.values()))
    known = {row.name for row in found}
    return [name for name in dict.fromkeys([*names, "performance/tile.auroc"]) if name in known][
        :_MOST_PANELS
    ]


def _draw_panel(
    axes: Axes, summary: ComparisonSummary, name: str, found: list[Row], controls: list[str]
) -> None:
    panel = [row for row in found if row.name == name]
    first = panel[0]
    for row in panel:
        _draw_arm(axes, row, summary.arms.index(row.arm), row.arm == summary.reference_arm)
        if row.arm == summary.reference_arm:
            axes.axvline(row.value, color=_REFERENCE, linewidth=0.8, linestyle=":", zorder=0.5)
    for row in found:
        if row.is_control and (row.metric, row.score) == (first.metric, first.score):
            mark = _CONTROL_MARKS[controls.index(row.explainer) % len(_CONTROL_MARKS)]
            axes.plot(row.value, summary.arms.index(row.arm), mark, color=CONTROL, markersize=7, zorder=1)
    axes.set_title(f"{name} {ARROWS[first.direction]}", fontsize=9, loc="left")
    style_axes(axes, list(summary.arms), ticks=5)


def _draw_arm(axes: Axes, row: Row, y: int, is_reference: bool) -> None:
    colour = _REFERENCE if is_reference else _ARM
    if row.low == row.low:
        axes.plot([row.low, row.high], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt")
    inside = "white" if row.flag else colour
    axes.plot(row.value, y, "o", color=colour, markerfacecolor=inside, markersize=5, zorder=3)


def _legend(summary: ComparisonSummary, controls: list[str]) -> list[Line2D]:
    marks = [
        Line2D([], [], color=CONTROL, marker=mark, linestyle="", label=f"{control} (control)")
        for control, mark in zip(controls, _CONTROL_MARKS, strict=False)
    ]
    arms = [
        Line2D([], [], color=_REFERENCE, marker="o", label=f"{summary.reference_arm} (reference)"),
        Line2D([], [], color=_ARM, marker="o", label="other arms"),
    ]
    return [*arms, *marks]


def _caption(summary: ComparisonSummary, left_out: int) -> str:
    notes = "; ".join(summary.clustering)
    named = bool(summary.claims or summary.primary)
    shown = "claimed endpoints and the primary one" if named else "one endpoint per metric"
    return fill(
        f"{summary.study}: means over seeds with {summary.confidence:.0%} intervals ({notes}). "
        f"{ARROWS['higher']} higher, {ARROWS['lower']} lower is better. Hollow: not ahead of every "
        f"control in that arm. Shown: {shown}, and tile AUROC. {left_out} more endpoints are in the "
        "tables of comparison.md.",
        230,
    )
