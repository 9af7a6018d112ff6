"""The picture of a search for sigma: what noise costs in accuracy and in cross-entropy."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tasks.artifacts.calibration import CalibrationInfo

_DRAW, _MEAN, _WANTED, _FOUND = "#9a9a9a", "#0072B2", "#D55E00", "#000000"
_SOFT = "#5c5c5c"


def draw_curve(info: CalibrationInfo, curve: pd.DataFrame, path: Path) -> None:
    """Draw the drop and the cross-entropy of every draw against sigma, with the level and the sigma found."""
    figure = Figure(figsize=(8, 7), dpi=110, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    above_chance = info.clean_balanced_accuracy - info.chance
    drop = 100 * (info.clean_balanced_accuracy - curve["balanced_accuracy"]) / above_chance
    _draw_panel(upper, curve.assign(value=drop), "drop of accuracy above chance, %", info.sigma)
    wanted = 100 * info.recipe["drop"]
    upper.axhline(wanted, color=_WANTED, linewidth=1.2, label=f"wanted: {wanted:g} %")
    upper.axhline(100, color=_SOFT, linewidth=0.8, linestyle=":", label="guessing")
    upper.legend(frameon=False, fontsize=9, loc="upper left")
    upper.set_title(_words(info), fontsize=9, loc="left", color=_SOFT)
    _draw_panel(lower, curve.assign(value=curve["cross_entropy"]), "cross-entropy", info.sigma)
    lower.axhline(info.clean_cross_entropy, color=_SOFT, linewidth=0.8, linestyle="--", label="without noise")
    lower.legend(frameon=False, fontsize=9, loc="upper left")
    lower.set_xlabel("sigma of the factor on the weights")
    FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})


def _draw_panel(axes: Axes, curve: pd.DataFrame, name: str, sigma: float) -> None:
    mean = curve.groupby("sigma")["value"].mean()
    axes.plot(curve["sigma"], curve["value"], ".", color=_DRAW, markersize=4, label="one draw of the weights")
    axes.plot(mean.index, mean, "o-", color=_MEAN, markersize=4, linewidth=1.4, label="mean of the draws")
    axes.axvline(sigma, color=_FOUND, linewidth=1.0, linestyle="--", label=f"found: sigma {sigma:.3g}")
    axes.set_xscale("log")
    axes.set_ylabel(name)
    axes.grid(color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _words(info: CalibrationInfo) -> str:
    tiles = ", ".join(f"{count} {name}" for name, count in info.tiles.items())
    return (
        f"Noise on {info.recipe['parameters']!r} parameters, {info.recipe['draws']} draws; validation tiles: "
        f"{tiles}\n"
        f"Balanced accuracy {info.clean_balanced_accuracy:.3f} without noise (guessing {info.chance:.3f}); "
        f"drop at the sigma found {info.drop:.1%}, from draw to draw ± {info.drop_spread:.1%}"
    )
