"""Shared by the figures: distinguishable colours and plain axes."""

from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

# Okabe and Ito (2008): distinguishable with every common colour vision deficiency.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
CONTROL = "#8a8a8a"
"""The colour of controls, which see no trained model."""
_LETTERS_PER_INCH = 15.5
"""Of the small print below the panels."""


def style_axes(axes: Axes, names: list[str], ticks: int) -> None:
    """Name the lines of a panel from the top down, mark about ``ticks`` values and remove the frame."""
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(ticks))
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)


def write_caption(figure: Figure, words: str) -> None:
    """Write ``words`` below the panels, wrapped at the width of the figure."""
    width = int(_LETTERS_PER_INCH * figure.get_figwidth())
    figure.supxlabel(fill(words, width), fontsize=8, color="#5c5c5c", x=0.01, ha="left")
