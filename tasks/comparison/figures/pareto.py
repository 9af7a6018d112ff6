"""``pareto.png``: accuracy against faithfulness, arms by number, explainers by colour and shape."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tasks.comparison.analyses.pareto import ParetoAnalysis, ParetoPoint
from tasks.comparison.figures.axes import COLOURS, CONTROL, style_axes, write_caption
from tasks.comparison.summary import ComparisonSummary
from tasks.comparison.wording import NAMES
from tasks.statistics.printing import ARROWS

_FRONT = "#222222"
_CONTROLS = "controls"
_STEP = 0.025
"""The step between points of one arm, as a fraction of the range of all arms."""
_LEAST_SPAN = 0.02
_SHAPES = "osD^vP"
"""One shape per round of colours, so that explainers look different."""

Style = tuple[str, str]
"""Colour and shape."""


def draw_pareto(summary: ComparisonSummary, found: ParetoAnalysis) -> Figure:
    """Draw all arms and explainers, the front as a line, and the accuracy of each arm below.

    With one arm, its explainers are drawn side by side above their names.
    """
    arms = [arm for arm in summary.arms if arm in {point.accuracy.arm for point in found.points}]
    low = 0.5 + 0.22 * len(arms)
    figure = Figure(figsize=(10.5, 6.6 + low), dpi=110, layout="constrained")
    upper, lower = figure.subplots(2, 1, height_ratios=[5.0, low])
    explainers = list(dict.fromkeys(point.faithfulness.explainer for point in found.points))
    places = _places(found, explainers)
    upper.plot(
        [places[point] for point in found.front],
        [point.faithfulness.value for point in found.front],
        color=_FRONT, linewidth=1.2, linestyle=":", zorder=1,
    )  # fmt: skip
    for point in (*found.controls, *found.points):
        control, name = point.faithfulness.is_control, point.faithfulness.explainer
        style = (CONTROL, _SHAPES[0]) if control else _style(explainers.index(name))
        number = str(arms.index(point.accuracy.arm) + 1) if len(arms) > 1 else ""
        _draw_point(upper, point, places[point], style, number)
    _dress(upper, found)
    if len(arms) == 1:
        _name_places(upper, places)
    _draw_accuracies(lower, found, arms)
    figure.legend(handles=_legend(explainers, found), loc="outside right upper", frameon=False, fontsize=8)
    write_caption(figure, _caption(summary, found))
    return figure


def _places(found: ParetoAnalysis, explainers: list[str]) -> dict[ParetoPoint, float]:
    """Return the horizontal position of each point. Points of an arm are centred on its accuracy."""
    columns = [*explainers, *([_CONTROLS] if found.controls else [])]
    step, middle = _STEP * _span(found), (len(columns) - 1) / 2
    places = {}
    for point in (*found.points, *found.controls):
        column = _CONTROLS if point.faithfulness.is_control else point.faithfulness.explainer
        places[point] = point.accuracy.value + step * (columns.index(column) - middle)
    return places


def _span(found: ParetoAnalysis) -> float:
    values = [point.accuracy.value for point in found.points]
    return max(max(values) - min(values), _LEAST_SPAN)


def _style(number: int) -> Style:
    """Return the style of an explainer. Styles repeat after all pairs of colour and shape."""
    return COLOURS[number % len(COLOURS)], _SHAPES[number // len(COLOURS) % len(_SHAPES)]


def _name_places(axes: Axes, places: dict[ParetoPoint, float]) -> None:
    """Write the names of explainers in place of the accuracies, which are all the same."""
    names = {x: point.faithfulness.explainer for point, x in places.items()}
    axes.set_xticks(list(names), list(names.values()), rotation=20, ha="right")
    beyond = (max(names) - min(names)) / len(names) or _LEAST_SPAN
    axes.set_xlim(min(names) - beyond, max(names) + beyond)
    axes.set_xlabel("maps of the one arm, in no order", fontsize=9)


def _draw_point(axes: Axes, point: ParetoPoint, x: float, style: Style, number: str) -> None:
    row, (colour, shape) = point.faithfulness, style
    if row.low == row.low:
        axes.plot([x, x], [row.low, row.high], color=colour, linewidth=1.2, alpha=0.6, zorder=2)
    inside = "white" if row.flag else colour
    axes.plot(x, row.value, shape, color=colour, markerfacecolor=inside, markersize=12, zorder=3)
    axes.annotate(
        number, (x, row.value), ha="center", va="center", fontsize=7, zorder=4,
        color=colour if row.flag else "white",
    )  # fmt: skip


def _draw_accuracies(axes: Axes, found: ParetoAnalysis, arms: list[str]) -> None:
    """Draw the accuracy of each arm with its interval. The labels map numbers to arms."""
    rows = {point.accuracy.arm: point.accuracy for point in found.points}
    for line, arm in enumerate(arms):
        row = rows[arm]
        if row.low == row.low:
            axes.plot([row.low, row.high], [line, line], color=_FRONT, linewidth=1.2)
        axes.plot(row.value, line, "o", color=_FRONT, markersize=4)
    style_axes(axes, [f"{arm}  {number}" for number, arm in enumerate(arms, start=1)], ticks=8)
    axes.set_xlabel(_accuracy(found), fontsize=9)


def _dress(axes: Axes, found: ParetoAnalysis) -> None:
    y, values = found.points[0].faithfulness, [point.accuracy.value for point in found.points]
    axes.set_xlim(min(values) - 0.3 * _span(found), max(values) + 0.3 * _span(found))
    axes.set_xlabel(_accuracy(found), fontsize=9)
    axes.set_ylabel(f"{y.metric}.{y.score} {ARROWS[y.direction]}", fontsize=9)
    if y.direction == "lower":
        axes.invert_yaxis()
    axes.tick_params(labelsize=8)
    axes.grid(color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _accuracy(found: ParetoAnalysis) -> str:
    row = found.points[0].accuracy
    return f"{row.metric} {NAMES[row.score]} {ARROWS[row.direction]}"


def _legend(explainers: list[str], found: ParetoAnalysis) -> list[Line2D]:
    lines = [
        Line2D([], [], color=colour, marker=shape, linestyle="", label=explainer)
        for explainer, (colour, shape) in zip(explainers, map(_style, range(len(explainers))), strict=True)
    ]
    if found.controls:
        lines.append(Line2D([], [], color=CONTROL, marker="o", linestyle="", label="best control of the arm"))
    if any(point.faithfulness.flag for point in found.points):
        lines.append(
            Line2D(
                [], [], color="black", marker="o", markerfacecolor="white", linestyle="", label="no evidence"
            )
        )
    return [*lines, Line2D([], [], color=_FRONT, linestyle=":", label="Pareto front")]


def _caption(summary: ComparisonSummary, found: ParetoAnalysis) -> str:
    is_turned = found.points[0].faithfulness.direction == "lower"
    upward = " The vertical axis is inverted." if is_turned else ""
    alone = len({point.accuracy.arm for point in found.points}) == 1
    across, names = (
        ("", "There is one arm. Its maps are drawn side by side, its accuracy below.")
        if alone
        else (
            "right is more accurate, ",
            "Numbers are arms, named below with the interval of their accuracy. Points of one arm are drawn "
            "side by side, centred on it.",
        )
    )
    return (
        f"{summary.study}: {across}up is more faithful. Means over seeds with {summary.confidence:.0%} "
        f"intervals. {names} Hollow: not ahead of every control in that arm. Such a point is no "
        f"evidence and is not on the front.{upward}"
    )
