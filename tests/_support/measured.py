"""What a model metric says of each tile, for tests of known answers."""

import torch
from torch import Tensor, nn

from tasks.model_metrics.base import MeasureSettings, ModelMetric, measure_model
from tasks.samples.measured_tiles import MeasuredTiles


def images_of(tiles: MeasuredTiles) -> Tensor:
    """Return float32 [N, 3, H, W] of all tiles, in their order."""
    return torch.stack([torch.tensor(tiles.pixels(n)).permute(2, 0, 1) / 255 for n in range(len(tiles))])


def scores_of(
    metric: ModelMetric, model: nn.Module, tiles: MeasuredTiles, seed: int = 0
) -> dict[str, Tensor]:
    """Return {score: float64 [N]} of all tiles, in their order."""
    table = measure_model(metric, model.eval(), tiles, MeasureSettings(1, seed)).measured.scores
    wide = table.pivot(index="unit_id", columns="score", values="value")
    return {name: torch.tensor(wide.loc[tiles.table["tile_id"], name].to_numpy()) for name in wide}
