"""Pixel sensitivity: how far activations, logits and loss move for each unit that pixels move."""

from collections.abc import Callable
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.functional.noise import normal, seed_of
from tasks.functional.passes import Passes
from tasks.model_metrics._channel_scales import channel_scales, sensitive_layers
from tasks.model_metrics._units import scored_by_batch, tile_rows
from tasks.model_metrics.base import Measured, MeasureSettings, ModelMetric
from tasks.models.classifier import Classifier
from tasks.samples.measured_tiles import MeasuredTiles, TileBatch

_DIRECTIONS = 2
"""Random directions for a tile. With two classes they are an orthonormal basis of the logits."""


class PixelSensitivity(ModelMetric):
    """Squared Frobenius norms of derivatives by the pixels in [0, 1], in eval mode.

    ``activations`` is sum_l ||da_l/dx||^2 / (D_l scale_l^2) over the D_l values a_l before the last ReLU of
    every stage, relative to each channel's standard deviation scale_l over the measured tiles: shrinking the
    activations changes nothing. Of a network that does not say where these are, the last convolutional map
    takes their place. ``logits`` is ||df/dx||^2 / K. ``loss`` is ||dL/dx||^2, L being the tile's own
    cross-entropy. The first two are estimated without bias by two random directions for a tile; with two
    classes ``logits`` is exact.
    """

    source: ClassVar[str] = (
        "random projections: Hoffman et al. (2019), arXiv:1908.02729; the quantities are the penalties of "
        "activation_sensitivity, jacobian and input_gradient; as scores of a trained network they are ours"
    )

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the three norms."""
        meanings = {
            "activations": "squared norm of the pre-activations' derivative, by value and channel scale",
            "logits": "squared norm of the logits' derivative by the pixels, over the number of classes",
            "loss": "squared norm of the derivative of the tile's cross-entropy by the pixels",
        }
        return tuple(
            ScoreInfo(name=name, direction="none", lower_bound=0.0, meaning=meaning)
            for name, meaning in meanings.items()
        )

    def passes(self) -> Passes:
        """One forward pass for the scales; one more, and back for each direction and for the loss."""
        return Passes(forward=2, backward=2 * _DIRECTIONS + 1)

    def measure(
        self,
        model: Classifier,
        tiles: MeasuredTiles,
        settings: MeasureSettings,
        advance: Callable[[int], None],
    ) -> Measured:
        """Return the three scores of each tile."""
        scales = channel_scales(model, tiles, settings)
        found = scored_by_batch(
            tiles, settings, lambda batch: _norms(model, batch, scales, settings.seed), advance
        )
        return Measured(tile_rows(tiles, found))


@torch.enable_grad()
def _norms(model: Classifier, batch: TileBatch, scales: list[Tensor], seed: int) -> dict[str, Tensor]:
    leaf = batch.images.detach().requires_grad_()
    maps, logits = model.observe(leaf, sensitive_layers(model))

    def squared(outputs: tuple[Tensor, ...], directions: list[Tensor]) -> Tensor:
        directions = [d.to(output.dtype) for d, output in zip(directions, outputs, strict=True)]
        (gradient,) = torch.autograd.grad(outputs, leaf, directions, retain_graph=True)
        return gradient.double().square().sum((1, 2, 3))

    activations = torch.zeros(len(leaf), dtype=torch.float64, device=leaf.device)
    along_logits = activations.clone()
    frames = _frames(logits, batch.keys, seed)
    for number in range(_DIRECTIONS):
        drawn = [
            normal(seed_of(seed, "pre-activations", place), batch.keys, number, values.shape[1:])
            / (scale * values[0].numel() ** 0.5)
            for place, (values, scale) in enumerate(zip(maps, scales, strict=True))
        ]
        # The logits take part with weight 0, so that this backward pass is counted as one.
        activations += squared((*maps, logits), [*drawn, torch.zeros_like(logits)])
        along_logits += squared((logits,), [frames[:, :, number]])
    loss = F.cross_entropy(logits.double(), batch.labels, reduction="none")
    return {
        "activations": activations / _DIRECTIONS,
        "logits": along_logits / _DIRECTIONS,
        "loss": squared((loss,), [torch.ones_like(loss)]),
    }


def _frames(logits: Tensor, keys: Tensor, seed: int) -> Tensor:
    """Return float64 [B, K, 2]: two orthonormal directions for each tile, drawn by its key."""
    shape = (logits.shape[1], _DIRECTIONS)
    # On the host: a decomposition of small matrices differs in its last bits between devices.
    drawn = normal(seed_of(seed, "logits"), keys.cpu(), 0, shape).double()
    frames: Tensor = torch.linalg.qr(drawn).Q
    return frames.to(logits.device)
