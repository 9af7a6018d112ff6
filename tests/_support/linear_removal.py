"""Removal metrics on linear models, where the worth of every pixel is known."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tasks.artifacts.tile_set import TileSet
from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evaluation.result import MetricResult
from tasks.evidence.evidence import Evidence
from tasks.faithfulness.base import Metric
from tasks.functional.fills import filled
from tasks.functional.pixels import to_images
from tests._support.attribution_sets import maps_of
from tests._support.small_networks import LinearNetwork
from tests._support.tile_sets import make_tile_set

WEIGHT = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0)) * 0.05
BLUR_PX = 2.0

Draw = Callable[[TileSet], np.ndarray]


def images_of(tiles: TileSet) -> torch.Tensor:
    """Return float64 [N, 3, H, W] of the usable tiles."""
    return to_images(tiles.pixels[tiles.usable], torch.device("cpu")).double()


def fills_of(tiles: TileSet, fill: str) -> torch.Tensor:
    """Return float64 [N, 3, H, W], the usable tiles with every pixel removed; all of a tile is tissue."""
    colour = torch.from_numpy(tiles.pixels[tiles.usable].reshape(-1, 3).mean(0) / 255.0)
    return filled(fill, images_of(tiles), colour, BLUR_PX)


def worth(fill: str = "white", weight: torch.Tensor = WEIGHT) -> Draw:
    """Return what draws the maps [N, H, W] of what the margin loses with each pixel."""
    return lambda tiles: (weight.double() * (images_of(tiles) - fills_of(tiles, fill))).sum(1).numpy()


def shuffled(draw: Draw) -> Draw:
    """Return what draws the same values in another place."""

    def moved(tiles: TileSet) -> np.ndarray:
        maps = draw(tiles)
        flat = np.random.default_rng(0).permuted(maps.reshape(len(maps), -1), axis=1)
        return flat.reshape(maps.shape)

    return moved


def three(draw: Draw) -> dict[str, Draw]:
    """Return the true maps, the shuffled ones and the reversed ones."""
    return {"true": draw, "shuffled": shuffled(draw), "reversed": lambda tiles: -draw(tiles)}


def flat(tiles: TileSet) -> np.ndarray:
    """Return maps of zeros: all ties."""
    return np.zeros((len(tiles.usable), *tiles.pixels.shape[1:3]))


def scored(
    folder: Path,
    draws: Mapping[str, Draw],
    metrics: Sequence[Metric],
    model: nn.Module | None = None,
    count: int = 40,
    batch: int = 16,
) -> dict[tuple[str, str], MetricResult]:
    """Score each metric on each map of one slide; a linear model of ``WEIGHT`` unless one is given."""
    tiles = make_tile_set(folder / "tiles", "s1", "p1", "test", count)
    sets = {name: maps_of(folder / name, [tiles], draw) for name, draw in draws.items()}
    evidence = Evidence([tiles], sets, ("normal", "tumour"), 1, kinds=dict.fromkeys(sets, "sensitivity"))
    wanted = [(name, metric) for name in draws for metric in metrics]
    return evaluate_pairs(model or LinearNetwork(WEIGHT), evidence, wanted, EvaluationSettings(batch))


def target_rows(folder: Path) -> tuple[TileSet, np.ndarray]:
    """Return the tiles of :func:`scored` and which of them a metric scores by default."""
    tiles = TileSet(folder / "tiles")
    return tiles, (tiles.table["label"] == "tumour").to_numpy()


def curve(result: MetricResult, name: str) -> np.ndarray:
    """Return [n, S] of a curve."""
    rows = result.curves[result.curves["curve"] == name]
    return rows["value"].to_numpy().reshape(-1, rows["fraction"].nunique())


def values(result: MetricResult, score: str) -> np.ndarray:
    """Return [n] of a score."""
    return result.scores.loc[result.scores["score"] == score, "value"].to_numpy()


def passes(found: Mapping[tuple[str, str], MetricResult]) -> int:
    """Return the images that the whole plan put through the model."""
    return next(iter(found.values())).measures["plan_forward_images"]
