"""``axes.png``: faithfulness against plausibility, a panel per arm, blind maps drawn in."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tasks.comparison.analyses.two_axes import AxesAnalysis
from tasks.comparison.figures.axes import COLOURS, CONTROL, write_caption
from tasks.comparison.row import Row
from tasks.comparison.summary import ComparisonSummary
from tasks.statistics.printing import ARROWS

_COLUMNS = 3
_SHAPES = "osD^vP"
_CONTROL_SHAPES = "X*phd<>"
_CHANCE, _BEYOND = 0.5, 0.03
"""The area of a ranking of tiles that knows nothing of their labels, and what is shown beyond 0 and 1."""

Style = tuple[str, str]
"""Colour and shape."""


def draw_axes(summary: ComparisonSummary, found: AxesAnalysis) -> Figure:
    """Draw every map of every arm, with its intervals on both axes.

    Where plausibility was not measured, maps stand side by side and the caption says why. Blind maps have the
    same values in all arms on the axis of plausibility, and others on that of faithfulness.
    """
    arms = [arm for arm in summary.arms if any(row.arm == arm for row in found.maps)]
    styles = _styles(found)
    columns = min(_COLUMNS, len(arms))
    lines = -(-len(arms) // columns)
    figure = Figure(figsize=(1.6 + 4.6 * columns, 1.9 + 3.9 * lines), dpi=110, layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    for number, (axes, arm) in enumerate(zip(grid.ravel(), arms, strict=False)):
        _draw_arm(axes, found, arm, styles)
        axes.set_title(arm, fontsize=9, loc="left")
        _label(axes, found, styles)
        if number % columns:
            axes.set_ylabel("")
    if found.scores.get("plausibility", ("", ""))[1] == "auroc":
        # An interval of few patients may leave the range of an area. All panels share their limits.
        low, high = grid[0, 0].get_xlim()
        grid[0, 0].set_xlim(max(low, -_BEYOND), min(high, 1 + _BEYOND))
    for axes in grid.ravel()[len(arms) :]:
        axes.axis("off")
    figure.legend(handles=_legend(styles), loc="outside right upper", frameon=False, fontsize=8)
    write_caption(figure, _caption(summary, found))
    return figure


def _styles(found: AxesAnalysis) -> dict[str, Style]:
    """Return colour and shape of each map: explainers by colour, blind maps grey by shape."""
    explainers = list(dict.fromkeys(row.explainer for row in found.maps if not row.is_control))
    controls = list(dict.fromkeys(row.explainer for row in found.maps if row.is_control))
    own = {
        name: (COLOURS[i % len(COLOURS)], _SHAPES[i // len(COLOURS) % len(_SHAPES)])
        for i, name in enumerate(explainers)
    }
    blind = {name: (CONTROL, _CONTROL_SHAPES[i % len(_CONTROL_SHAPES)]) for i, name in enumerate(controls)}
    return own | blind


def _draw_arm(axes: Axes, found: AxesAnalysis, arm: str, styles: dict[str, Style]) -> None:
    for place, (name, (colour, shape)) in enumerate(styles.items()):
        across, up = (found.row(axis, arm, name) for axis in ("plausibility", "faithfulness"))
        if up is None or up.value != up.value:
            continue
        if "plausibility" in found.scores and (across is None or across.value != across.value):
            continue
        x = float(place) if across is None else across.value
        if up.low == up.low:
            axes.plot([x, x], [up.low, up.high], color=colour, linewidth=1.3, alpha=0.7)
        if across is not None and across.low == across.low:
            axes.plot([across.low, across.high], [up.value] * 2, color=colour, linewidth=1.3, alpha=0.7)
        inside = "white" if _is_open(found, arm, name) else colour
        axes.plot(x, up.value, shape, color=colour, markerfacecolor=inside, markersize=8, zorder=3)


def _is_open(found: AxesAnalysis, arm: str, name: str) -> bool:
    """Return whether an explainer is not known to beat the best blind map on every measured axis."""
    verdicts = [found.verdict(axis, arm, name) for axis in found.scores]
    return any(row is not None and row.verdict != "yes" for row in verdicts)


def _label(axes: Axes, found: AxesAnalysis, styles: dict[str, Style]) -> None:
    up = _first(found, "faithfulness")
    axes.set_ylabel(f"faithfulness: {up.metric}.{up.score} {ARROWS[up.direction]}", fontsize=8)
    axes.axhline(0.0, color="#bbbbbb", linewidth=0.8, linestyle=":")
    if "plausibility" in found.scores:
        across = _first(found, "plausibility")
        axes.set_xlabel(
            f"plausibility: {across.metric}.{across.score} {ARROWS[across.direction]}", fontsize=8
        )
        if across.score == "auroc":
            axes.axvline(_CHANCE, color="#bbbbbb", linewidth=0.8, linestyle=":")
    else:
        axes.set_xticks(range(len(styles)), list(styles), rotation=30, ha="right")
        axes.set_xlabel("plausibility is not measured", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(color="#eeeeee", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _first(found: AxesAnalysis, axis: str) -> Row:
    key = next(score for name, score in found.scores.items() if name == axis)
    return next(row for row in found.maps if (row.metric, row.score) == key)


def _legend(styles: dict[str, Style]) -> list[Line2D]:
    return [
        Line2D(
            [], [], color=colour, marker=shape, linestyle="", markersize=8,
            label=f"{name} (blind)" if colour == CONTROL else name,
        )
        for name, (colour, shape) in styles.items()
    ]  # fmt: skip


def _caption(summary: ComparisonSummary, found: AxesAnalysis) -> str:
    absent = "".join(
        f" {axis.capitalize()} is not measured: {why}." for axis, why in found.unmeasured.items()
    )
    notes = "; ".join(dict.fromkeys(row.note for row in found.maps if row.note))
    return (
        f"{summary.study}: means over seeds with {summary.confidence:.0%} intervals ({notes}). Grey: maps "
        "that see no network. Hollow: not known to beat the best of them on every axis that is measured. "
        f"Dotted lines: a map that says nothing.{absent}"
    )
