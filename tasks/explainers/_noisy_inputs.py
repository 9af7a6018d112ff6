"""Images and bags with additive normal noise of their own."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tasks.explainers._bags import needed, spread_of_features
from tasks.functional.noise import normal
from tasks.functional.pixels import spans
from tasks.samples.inputs import Bags
from tasks.samples.tile_names import drawing_keys

_AT_ONCE = 1 << 19
"""Numbers that a CPU draws at once, so that intermediate values stay in its cache."""


def noisy_inputs(model: nn.Module, inputs: Any, sigma: float, seed: int, keys: Tensor, draw: int) -> Any:
    """Return images or bags with noise; ``sigma`` is a fraction of the pixel range or of a feature's spread.

    Raises:
        ExplanationError: the model of bags does not say how far features are spread.
    """
    if isinstance(inputs, Bags):
        return noisy_bags(model, inputs, sigma, seed, keys, draw)
    return noisy(inputs, sigma, seed, keys, draw)


def noisy(images: Tensor, sigma: float, seed: int, tile_keys: Tensor, draw: int) -> Tensor:
    """Return images [B, C, H, W] + sigma x standard normal noise of (seed, tile key, draw), not clamped."""
    # In the noise's own memory: fresh memory for a batch costs more than the arithmetic.
    return noise_of(seed, tile_keys, draw, images.shape[1:]).to(images).mul_(sigma).add_(images)


def noisy_bags(model: nn.Module, bags: Bags, sigma: float, seed: int, keys: Tensor, draw: int) -> Bags:
    """Return the bags with normal noise on every tile; ``sigma`` is a fraction of each feature's spread.

    The noise depends on (seed, key of the bag, features of the tile, draw). Bags whose tiles are
    :func:`tasks.samples.tile_names.named` keep these names: nested draws stay with their tile.

    Raises:
        ExplanationError: the model does not say how far features are spread.
    """
    dim = bags.features.shape[2]
    spread = needed(spread_of_features(model, dim), "std", model, "noise on features")
    drawn = noise_of(seed, drawing_keys(bags, keys)[bags.mask], draw, (dim,)).to(bags.features)
    features = bags.features.clone()
    features[bags.mask] += drawn.mul_(sigma).mul_(spread)
    return bags._replace(features=features)


def noise_of(seed: int, tile_keys: Tensor, draw: int, shape: Sequence[int]) -> Tensor:
    """Return float32 [B, *shape]: the numbers of :func:`tasks.functional.noise.normal`, some tiles at a time.

    The group size changes no number. On a CPU, small groups take half the time of a batch of 64; an
    accelerator draws all at once.
    """
    if tile_keys.device.type != "cpu":
        return normal(seed, tile_keys, draw, shape)
    together = max(1, _AT_ONCE // math.prod(shape))
    parts = [normal(seed, tile_keys[part], draw, shape) for part in spans(len(tile_keys), together)]
    return torch.cat(parts) if parts else torch.empty(0, *shape)
