"""The picture of a search for a dose: how far the quantity moved, and what became of the accuracy."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tasks.artifacts.dose import DoseInfo

_NETWORK, _MEAN, _WANTED, _FOUND, _SOFT = "#9a9a9a", "#0072B2", "#D55E00", "#000000", "#5c5c5c"


def draw_trials(info: DoseInfo, trials: pd.DataFrame, path: Path) -> None:
    """Draw the move of the quantity and the validation AUROC of every network over the doses tried."""
    sign = 1 if info.direction == "higher" else -1
    moved = 100 * sign * (trials["quantity"] - info.free) / abs(info.free)
    trials = trials.assign(moved=moved)
    treated = trials[trials["dose"].notna()]
    # In the order of the search: doses need not rise, and may be 0.
    places = {dose: place for place, dose in enumerate(dict.fromkeys(treated["dose"]))}
    treated = treated.assign(place=treated["dose"].map(places))
    figure = Figure(figsize=(8, 6), dpi=110, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    _draw(upper, treated, "moved", places[info.value])
    upper.axhline(
        100 * info.recipe["moves"], color=_WANTED, linewidth=1.2, label=f"wanted: {info.recipe['moves']:.0%}"
    )
    _draw(lower, treated, "val_auroc", places[info.value])
    free = trials.loc[trials["dose"].isna(), "val_auroc"].mean()
    lower.axhline(free, color=_SOFT, linewidth=1.0, linestyle=":", label="without the method")
    upper.set_ylabel(f"{info.quantity} moved, %")
    lower.set_ylabel("AUROC on validation tiles")
    lower.set_xlabel(f"{info.field} of {info.regularizer}")
    lower.set_xticks(list(places.values()), [f"{dose:g}" for dose in places])
    handles = {
        label: handle
        for axes in (upper, lower)
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=3, frameon=False, fontsize=9
    )
    figure.suptitle(_words(info), fontsize=9, color=_SOFT, x=0.01, ha="left")
    FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})


def _draw(axes: Axes, treated: pd.DataFrame, name: str, found: int) -> None:
    mean = treated.groupby("place")[name].mean()
    axes.plot(treated["place"], treated[name], ".", color=_NETWORK, markersize=5, label="one network")
    axes.plot(mean.index, mean, "o-", color=_MEAN, markersize=4, linewidth=1.4, label="mean of the networks")
    axes.axvline(found, color=_FOUND, linewidth=1.0, linestyle="--", label="dose found")
    axes.grid(color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _words(info: DoseInfo) -> str:
    return (
        f"{info.field} {info.value:g} moves {info.quantity} by {info.moved:.1%}, from {info.free:.4g} to "
        f"{info.treated:.4g}\n{info.tiles} validation tiles; {len(info.seeds)} network(s) for each dose, "
        f"{info.epochs} epochs on training tiles"
    )
