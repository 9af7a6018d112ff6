"""One metric on given maps of one slide."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tasks.artifacts.tile_set import TileSet
from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evaluation.result import MetricResult
from tasks.evidence.evidence import Evidence
from tasks.faithfulness.base import Metric
from tasks.samples.axes import MapKind
from tests._support.attribution_sets import maps_of
from tests._support.small_networks import small_network
from tests._support.tile_sets import make_tile_set


def score(
    folder: Path,
    draw: Callable[[TileSet], np.ndarray],
    metric: Metric,
    count: int = 40,
    change: Callable[[Path], None] | None = None,
    kind: MapKind = "sensitivity",
) -> MetricResult:
    """Return the result on the maps ``draw(tiles)`` of a kind.

    ``change`` may alter the folder of the tiles before.
    """
    tiles = make_tile_set(folder / "tiles", "s1", "p1", "test", count)
    if change is not None:
        change(tiles.folder)
    evidence = Evidence(
        [tiles],
        {"m": maps_of(folder / "m", [tiles], draw)},
        ("normal", "tumour"),
        1,
        kinds={"m": kind},
    )
    return evaluate_pairs(small_network(), evidence, [("m", metric)], EvaluationSettings())["m", metric.id]
