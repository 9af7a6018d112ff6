"""Tiles whose tissue, mask and map are drawn by hand, for the metrics that hold a map against a mask."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tasks.evaluation.result import MetricResult
from tasks.faithfulness.base import Metric
from tests._support.scored_maps import score

SIDE = 16
Draw = Callable[[np.ndarray], None]
"""Draws into an empty [16, 16]."""


def scored_tile(
    folder: Path, metric: Metric, mask: Draw, maps: Draw, tissue: Draw | None = None
) -> MetricResult:
    """Return the result on one tile of an outlined class; without ``tissue`` all of it is."""

    def change(tiles: Path) -> None:
        np.save(tiles / "annotation_mask.npy", drawn(mask)[None].astype(np.uint8))
        if tissue is not None:
            np.save(tiles / "tissue_mask.npy", drawn(tissue)[None].astype(np.uint8))

    return score(folder, lambda _tiles: drawn(maps)[None], metric, count=1, change=change)


def drawn(draw: Draw) -> np.ndarray:
    """Return float64 [16, 16]."""
    canvas = np.zeros((SIDE, SIDE))
    draw(canvas)
    return canvas


def values_of(result: MetricResult, name: str) -> np.ndarray:
    """Return the values of a score, without those left out."""
    return result.scores[result.scores["score"] == name]["value"].dropna().to_numpy()


def chances_of(result: MetricResult, name: str) -> np.ndarray:
    """Return the chance levels of a score where it has a value."""
    table = result.scores[result.scores["score"] == name].dropna(subset="value")
    return table["chance"].to_numpy()
