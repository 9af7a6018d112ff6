"""``agreement.png``: the rank agreement of every two scores as a coloured matrix."""

from collections.abc import Collection, Hashable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tasks.comparison.analyses.agreement import SECTIONS, MetricAgreement
from tasks.comparison.figures.axes import write_caption
from tasks.comparison.summary import ComparisonSummary
from tasks.statistics.printing import DASH, MINUS

MOST_SCORES = 30
_CELL_INCHES = 0.42
_STRONG = 0.6
"""Above this value the colour is dark and numbers are white."""
_MARK = "*"
"""Marks an agreement of section means."""


def draw_agreement(
    summary: ComparisonSummary, agreement: MetricAgreement, leading: Collection[str]
) -> Figure:
    """Draw tau-b of every two scores, blue for agreement and red for contradiction.

    If there are too many scores to be legible, only the ``leading`` scores are drawn, one per metric.
    """
    everything = len(agreement.scores) <= MOST_SCORES
    names = [name for name in agreement.scores if everything or name in leading]
    count = len(names)
    side = 3.2 + _CELL_INCHES * count
    figure = Figure(figsize=(max(8.0, side + 1), max(5.5, side)), dpi=110, layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(_matrix(agreement, names), cmap="RdBu", vmin=-1, vmax=1)
    axes.set_xticks(range(count), names, rotation=90, fontsize=8)
    axes.set_yticks(range(count), names, fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    _write_numbers(axes, agreement, names)
    bar = figure.colorbar(image, ax=axes, shrink=0.6, pad=0.02)
    bar.set_label("mean Kendall tau-b", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    left_out = "" if everything else f" One score per metric. All {len(agreement.scores)} are in the table."
    write_caption(figure, _caption(summary, agreement) + left_out)
    return figure


def _rows(agreement: MetricAgreement, names: list[str]) -> list[dict[Hashable, Any]]:
    table = agreement.table
    return table[table["one"].isin(names) & table["other"].isin(names)].to_dict("records")


def _matrix(agreement: MetricAgreement, names: list[str]) -> NDArray[np.float64]:
    matrix = np.full((len(names), len(names)), np.nan)
    for row in _rows(agreement, names):
        one, other = names.index(row["one"]), names.index(row["other"])
        matrix[one, other] = matrix[other, one] = row["tau"]
    return matrix


def _write_numbers(axes: Axes, agreement: MetricAgreement, names: list[str]) -> None:
    for row in _rows(agreement, names):
        tau, told = float(row["tau"]), row["low"] > 0 or row["high"] < 0
        colour = "white" if abs(tau) > _STRONG else "black" if told else "#7a7a7a"
        text = f"{tau:z.2f}".replace("-", MINUS) + (_MARK if row["ranked_on"] == SECTIONS else "")
        one, other = names.index(row["one"]), names.index(row["other"])
        for x, y in ((one, other), (other, one)):
            weight = "bold" if told else "normal"
            axes.text(x, y, text, ha="center", va="center", fontsize=7, color=colour, weight=weight)
    for number in range(len(names)):
        axes.text(number, number, DASH, ha="center", va="center", fontsize=7, color="#7a7a7a")


def _caption(summary: ComparisonSummary, agreement: MetricAgreement) -> str:
    shared = " * no common unit: section means are ranked." if _has_sections(agreement) else ""
    return (
        f"{summary.study}: do two scores agree on the ranking of the maps of one network? Mean over arms, "
        f"seeds and units of Kendall's tau-b over all explainers and controls: 1 the same order, {MINUS}1 "
        f"the opposite, 0 no relation. Bold: the {summary.confidence:.0%} interval excludes 0.{shared}"
    )


def _has_sections(agreement: MetricAgreement) -> bool:
    return bool((agreement.table["ranked_on"] == SECTIONS).any())
