"""Metrics on linear networks, whose answer to any removal is a sum that can be written down."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tasks.artifacts.tile_set import TileSet
from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evaluation.result import MetricResult
from tasks.evidence.evidence import Evidence
from tasks.faithfulness.base import Metric
from tasks.functional.fills import Fill, filled
from tasks.functional.pixels import to_images
from tests._support.attribution_sets import maps_of
from tests._support.small_networks import LinearNetwork
from tests._support.tile_sets import make_tile_set

Draw = Callable[[TileSet], np.ndarray]

WEIGHT = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0)) * 0.05
GREY_WEIGHT = WEIGHT[:1].expand(3, -1, -1).contiguous()
"""Equal in all channels, so that one value a pixel says it all."""


def images_of(tiles: TileSet) -> np.ndarray:
    """Return float64 [N, 3, H, W] in [0, 1] of the usable tiles."""
    return to_images(tiles.pixels[tiles.usable], torch.device("cpu")).double().numpy()


def adds(weight: Tensor = WEIGHT, fill: Fill = "white", blur_px: float = 2.0) -> Draw:
    """Return what draws the true contributions: what the margin loses with each pixel, [N, H, W]."""

    def draw(tiles: TileSet) -> np.ndarray:
        colour = torch.from_numpy(tiles.pixels[tiles.usable].reshape(-1, 3).mean(0) / 255.0)
        images = torch.from_numpy(images_of(tiles))
        return (weight.double() * (images - filled(fill, images, colour, blur_px))).sum(1).numpy()

    return draw


def shuffled(draw: Draw) -> Draw:
    """Return what draws the same maps with the pixels of each in another order."""

    def draw_shuffled(tiles: TileSet) -> np.ndarray:
        maps = draw(tiles)
        return np.random.default_rng(0).permuted(maps.reshape(len(maps), -1), axis=1).reshape(maps.shape)

    return draw_shuffled


def scored(
    folder: Path,
    draws: Mapping[str, Draw],
    metrics: Sequence[Metric],
    model: nn.Module | None = None,
    count: int = 20,
) -> dict[tuple[str, str], MetricResult]:
    """Score every named map of ``count`` tiles (two in five are of the class) with every metric."""
    tiles = make_tile_set(folder / "tiles", "s1", "p1", "test", count)
    sets = {name: maps_of(folder / name, [tiles], draw) for name, draw in draws.items()}
    evidence = Evidence([tiles], sets, ("normal", "tumour"), 1, kinds=dict.fromkeys(sets, "sensitivity"))
    wanted = [(name, metric) for name in draws for metric in metrics]
    return evaluate_pairs(model or LinearNetwork(WEIGHT), evidence, wanted, EvaluationSettings(16))


def of_class(tiles: TileSet) -> np.ndarray:
    """Return bool [N]: which usable tiles are of the explained class."""
    return (tiles.table["label"].iloc[tiles.usable] == "tumour").to_numpy()


def column(result: MetricResult, score: str, kind: str = "value") -> np.ndarray:
    """Return one column of one score, tile by tile."""
    return result.scores.loc[result.scores["score"] == score, kind].to_numpy()
