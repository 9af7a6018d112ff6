"""What the axes of both figures look like."""

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator


def dress(axes: Axes, names: list[str], ticks: int) -> None:
    """Name the lines of a panel from the top down, mark about ``ticks`` values, and take away the frame."""
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(ticks))
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
