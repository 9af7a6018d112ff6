"""``agreement.png``: the rank agreement of every two scores as a coloured matrix."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tasks.comparison.agreeing import SECTIONS, Agreed
from tasks.comparison.figure_axes import say
from tasks.comparison.summary import Summary
from tasks.comparison.wording import DASH, MINUS

_CELL_INCHES = 0.42
_STRONG = 0.6
"""Beyond this the colour is dark, and numbers on it are white."""
_MARK = "*"
"""Stands behind an agreement of section means."""


def draw_agreement(summary: Summary, agreed: Agreed) -> Figure:
    """Draw tau-b of every two scores; blue where they rank maps alike, red where they contradict."""
    count = len(agreed.scores)
    side = 3.2 + _CELL_INCHES * count
    figure = Figure(figsize=(max(8.0, side + 1), max(5.5, side)), dpi=110, layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(_matrix(agreed), cmap="RdBu", vmin=-1, vmax=1)
    names = list(agreed.scores)
    axes.set_xticks(range(count), names, rotation=90, fontsize=8)
    axes.set_yticks(range(count), names, fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    _write_numbers(axes, agreed)
    bar = figure.colorbar(image, ax=axes, shrink=0.6, pad=0.02)
    bar.set_label("mean Kendall tau-b", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    say(figure, _words(summary, agreed))
    return figure


def _matrix(agreed: Agreed) -> NDArray[np.float64]:
    place = {name: number for number, name in enumerate(agreed.scores)}
    matrix = np.full((len(place), len(place)), np.nan)
    for one, other, tau in agreed.table[["one", "other", "tau"]].itertuples(index=False):
        matrix[place[one], place[other]] = matrix[place[other], place[one]] = tau
    return matrix


def _write_numbers(axes: Axes, agreed: Agreed) -> None:
    place = {name: number for number, name in enumerate(agreed.scores)}
    for row in agreed.table.to_dict("records"):
        tau, told = float(row["tau"]), row["low"] > 0 or row["high"] < 0
        colour = "white" if abs(tau) > _STRONG else "black" if told else "#7a7a7a"
        text = f"{tau:z.2f}".replace("-", MINUS) + (_MARK if row["ranked_on"] == SECTIONS else "")
        for x, y in ((row["one"], row["other"]), (row["other"], row["one"])):
            weight = "bold" if told else "normal"
            axes.text(
                place[x], place[y], text, ha="center", va="center", fontsize=7, color=colour, weight=weight
            )
    for number in range(len(place)):
        axes.text(number, number, DASH, ha="center", va="center", fontsize=7, color="#7a7a7a")


def _words(summary: Summary, agreed: Agreed) -> str:
    shared = " * no unit in common: means of sections are ranked." if _has_sections(agreed) else ""
    return (
        f"{summary.study}: do two scores rank the maps of one network alike, better first? Mean over arms, "
        f"seeds and units of Kendall's tau-b over all explainers and controls: 1 the same order, {MINUS}1 "
        f"the opposite, 0 no relation. Bold: the {summary.confidence:.0%} interval holds no 0.{shared}"
    )


def _has_sections(agreed: Agreed) -> bool:
    return bool((agreed.table["ranked_on"] == SECTIONS).any())
