"""The picture of a search for sigma: accuracy and cross-entropy under noise."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tasks.artifacts.calibration import CalibrationInfo
from tasks.calibration.bisection import HIGHEST, LOWEST

_DRAW, _MEAN, _WANTED, _FOUND = "#9a9a9a", "#0072B2", "#D55E00", "#000000"
_SOFT = "#5c5c5c"
_NEAR = 2.0
"""The panels on the right reach from sigma divided by this to sigma times this."""


def draw_curve(info: CalibrationInfo, curve: pd.DataFrame, path: Path) -> None:
    """Draw drop and cross-entropy of every draw: over all sigmas tried, and near the chosen one."""
    figure = Figure(figsize=(11, 7), dpi=110, layout="constrained")
    grid = figure.subplots(2, 2, sharex="col", height_ratios=(3, 2))
    above_chance = info.clean_balanced_accuracy - info.chance
    drop = 100 * (info.clean_balanced_accuracy - curve["balanced_accuracy"]) / above_chance
    curve = curve.assign(drop=drop)
    near = curve.loc[curve["sigma"].between(info.sigma / _NEAR, info.sigma * _NEAR)]
    for column, rows in enumerate((curve, near)):
        _draw_drop(grid[0, column], rows, info)
        _draw_losses(grid[1, column], rows, info)
    grid[1, 0].set_xscale("log")
    # Strong noise may raise the cross-entropy a thousandfold.
    grid[1, 0].set_yscale("log")
    grid[0, 0].set_title("all sigmas that were tried", fontsize=9, loc="left", color=_SOFT)
    grid[0, 1].set_title("near the sigma found", fontsize=9, loc="left", color=_SOFT)
    grid[0, 0].set_ylabel("drop of accuracy above chance, %")
    grid[1, 0].set_ylabel("cross-entropy")
    grid[1, 0].set_xlim(LOWEST / 1.5, HIGHEST * 1.5)
    handles = {
        label: handle
        for axes in grid.flat
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=6, frameon=False, fontsize=9
    )
    figure.suptitle(_words(info), fontsize=9, color=_SOFT, x=0.01, ha="left")
    FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})


def _draw_drop(axes: Axes, curve: pd.DataFrame, info: CalibrationInfo) -> None:
    _draw_panel(axes, curve, "drop", info.sigma)
    wanted = 100 * info.recipe["drop"]
    axes.axhline(wanted, color=_WANTED, linewidth=1.2, label=f"wanted: {wanted:g} %")


def _draw_losses(axes: Axes, curve: pd.DataFrame, info: CalibrationInfo) -> None:
    _draw_panel(axes, curve, "cross_entropy", info.sigma)
    axes.axhline(info.clean_cross_entropy, color=_SOFT, linewidth=1.0, linestyle=":", label="without noise")
    axes.set_xlabel("sigma of the factor on the weights")


def _draw_panel(axes: Axes, curve: pd.DataFrame, name: str, sigma: float) -> None:
    mean = curve.groupby("sigma")[name].mean()
    axes.plot(curve["sigma"], curve[name], ".", color=_DRAW, markersize=4, label="one draw of the weights")
    axes.plot(mean.index, mean, "o-", color=_MEAN, markersize=4, linewidth=1.4, label="mean of the draws")
    axes.axvline(sigma, color=_FOUND, linewidth=1.0, linestyle="--", label=f"found: sigma {sigma:.3g}")
    axes.grid(color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _words(info: CalibrationInfo) -> str:
    tiles = ", ".join(f"{count} {name}" for name, count in info.tiles.items())
    return (
        f"Noise on {info.recipe['parameters']!r} parameters, {info.recipe['draws']} draws; validation tiles: "
        f"{tiles}\n"
        f"Balanced accuracy {info.clean_balanced_accuracy:.3f} without noise (guessing {info.chance:.3f}); "
        f"drop at the sigma found {info.drop:.1%}, standard deviation over the draws {info.drop_spread:.1%}"
    )
