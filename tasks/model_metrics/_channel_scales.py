"""The scale of each channel before a stage's last ReLU, over all measured tiles."""

import torch
from torch import Tensor, nn

from tasks.functional.variance import floored
from tasks.model_metrics.base import MeasureSettings
from tasks.models.classifier import Classifier
from tasks.samples.measured_tiles import MeasuredTiles


def sensitive_layers(model: Classifier) -> tuple[nn.Module, ...]:
    """Return the layers of true pre-activations, or the last convolution of a network that names none."""
    return model.pre_activation_layers or (model.feature_layer,)


def channel_scales(model: Classifier, tiles: MeasuredTiles, settings: MeasureSettings) -> list[Tensor]:
    """Return for each sensitive layer the standard deviation of its channels, float64 [C, 1, 1].

    It is taken over tiles and positions in one forward pass over all tiles.
    """
    totals: list[Tensor] = []
    positions: list[int] = []
    with torch.no_grad():
        for batch in tiles.batches(settings.batch, torch.device(settings.device)):
            if not model.pre_activation_layers:
                model.settle(batch.images)
            maps, _ = model.observe(batch.images, sensitive_layers(model))
            moments = [_moments(values.double()) for values in maps]
            totals = moments if not totals else [a + b for a, b in zip(totals, moments, strict=True)]
            positions = [values[0, 0].numel() for values in maps]
    return [_deviation(total / (len(tiles) * count)) for total, count in zip(totals, positions, strict=True)]


def _moments(values: Tensor) -> Tensor:
    """Return [2, C]: sum and sum of squares of values [B, C, h, w]."""
    return torch.stack([values.sum((0, 2, 3)), values.square().sum((0, 2, 3))])


def _deviation(moments: Tensor) -> Tensor:
    return floored(moments[1] - moments[0].square()).sqrt()[:, None, None]
