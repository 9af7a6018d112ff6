"""``curves.png``: each curve in its own panel, explainers by colour, the best control in grey."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tasks.comparison.analyses.curves import MeanCurve
from tasks.comparison.figures.axes import COLOURS, CONTROL, write_caption
from tasks.comparison.summary import ComparisonSummary
from tasks.comparison.wording import MOST_COLUMNS

_COLUMNS = 4
_STYLES = ("-", "--", ":", "-.")
"""When the colours are used up, explainers take the next style."""
_MOST_INK = 0.5
"""The highest opacity of all bands of a panel together."""


def draw_curves(summary: ComparisonSummary, curves: Sequence[MeanCurve]) -> Figure:
    """Draw one panel for each arm, metric and curve in ``curves``."""
    arms = list(dict.fromkeys(curve.arm for curve in curves))
    panels = list(dict.fromkeys((curve.metric, curve.curve) for curve in curves))
    columns = min(MOST_COLUMNS, len(arms)) if len(arms) > 1 else min(_COLUMNS, len(panels))
    lines = -(-len(arms) * len(panels) // columns)
    width = max(9.0, 3.6 * columns)
    figure = Figure(figsize=(width, 1.6 + 2.6 * lines), dpi=110, layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False)
    places = [(arm, *panel) for panel in panels for arm in arms]
    explainers = list(dict.fromkeys(curve.explainer for curve in curves if not curve.is_control))
    for axes, (arm, metric, name) in zip(grid.ravel(), places, strict=False):
        here = [curve for curve in curves if (curve.arm, curve.metric, curve.curve) == (arm, metric, name)]
        _draw_panel(axes, here, explainers)
        title = f"{metric} {name.replace('_', ' ')}"
        axes.set_title(f"{title}\n{arm}" if len(arms) > 1 else title, fontsize=9, loc="left")
        if arm != arms[0]:
            # Arms share the vertical axis, so that they can be compared.
            axes.sharey(grid.ravel()[places.index((arms[0], metric, name))])
    for axes in grid.ravel()[len(places) :]:
        axes.axis("off")
    figure.legend(
        handles=_legend(explainers),
        loc="outside upper left",
        ncols=int(width // 2),
        frameon=False,
        fontsize=8,
    )
    write_caption(figure, _caption(summary, arms, curves))
    return figure


def _draw_panel(axes: Axes, curves: Sequence[MeanCurve], explainers: list[str]) -> None:
    ink = min(0.18, _MOST_INK / len(curves))
    for curve in curves:
        colour, style = CONTROL, "-"
        if not curve.is_control:
            colour, style = _look(explainers.index(curve.explainer))
        x, band = curve.fractions, curve.band
        axes.fill_between(x, band.low, band.high, color=colour, alpha=ink, linewidth=0)
        for edge in (band.low, band.high):
            axes.plot(x, edge, style, color=colour, linewidth=0.6, alpha=0.6)
        axes.plot(x, band.mean, style, color=colour, linewidth=1.8)
        if curve.is_control:
            axes.set_xlabel(
                f"control: {curve.explainer}", fontsize=7, color="#5c5c5c", loc="right", labelpad=1
            )
    axes.tick_params(labelsize=8)
    axes.grid(color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _look(number: int) -> tuple[str, str]:
    return COLOURS[number % len(COLOURS)], _STYLES[number // len(COLOURS) % len(_STYLES)]


def _legend(explainers: list[str]) -> list[Line2D]:
    lines = [
        Line2D([], [], color=colour, linestyle=style, label=explainer)
        for explainer, (colour, style) in zip(explainers, map(_look, range(len(explainers))), strict=True)
    ]
    return [*lines, Line2D([], [], color=CONTROL, label="best control, named below")]


def _caption(summary: ComparisonSummary, arms: list[str], curves: Sequence[MeanCurve]) -> str:
    notes = "; ".join(dict.fromkeys(curve.note for curve in curves))
    left_out = len(summary.arms) - len(arms)
    fewer = f" {left_out} more arms are not drawn." if left_out else ""
    alone = f" Arm: {arms[0]}." if len(arms) == 1 and len(summary.arms) > 1 else ""
    return (
        f"{summary.study}: means over seeds and units against the progress of the metric, from 0 to 1 "
        "(fraction of pixels removed or inserted, of layers randomised). Bands with thin edges: pointwise "
        f"{summary.confidence:.0%} intervals ({notes}).{alone}{fewer}"
    )
