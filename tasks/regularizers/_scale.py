"""How strong a network's activations are, remembered from step to step.

What is measured against the scale of an activation cannot be lowered by making the activation small.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from tasks.regularizers.base import State
from tasks.training_step.step import Step

RENEWED = 0.1
"""Share of a running variance that each step renews, as in BatchNorm."""

FLOOR = 1e-4
"""Least variance of a channel as a share of the mean of its map: dead ones are not divided by nothing."""


def channel_scales(step: Step, maps: Sequence[Tensor], state: State) -> tuple[list[Tensor], State]:
    """Return for each of ``maps`` [B, C, h, w] the scale of its channels, [C, 1, 1], and the renewed state.

    It is the standard deviation over images and positions, whose square is a running mean over steps; the
    first step takes the batch's own. A mean is left out, or else raising it would do as well as calming the
    channel. The gradient of the scale is, relative to its value, that of the batch's own deviation: were
    there none, a descent on anything measured against the scale would go on shrinking the activations,
    although a step later it has gained nothing by it.
    """
    scales, renewed = [], dict(state)
    for place, values in enumerate(maps):
        name = f"variance{place}"
        variance, relative = _variance(step, values if values.dtype == torch.float64 else values.float())
        renewed[name] = torch.lerp(state.get(name, variance), variance, RENEWED)
        scales.append((renewed[name].sqrt() * relative)[:, None, None])
    return scales, renewed


def _variance(step: Step, values: Tensor) -> tuple[Tensor, Tensor]:
    """Return the whole batch's variance [C], detached, and ones [C] with the gradient of its log root."""
    moments = torch.stack([values.mean((2, 3)), values.square().mean((2, 3))], dim=1)
    mean, square = step.mean_over_batch(moments)
    variance = square - mean.square()
    variance = torch.maximum(variance, FLOOR * variance.mean()).clamp_min(1e-12)
    own_mean, own_square = moments.mean(0)
    change = (own_square - 2 * mean * own_mean) / (2 * variance)
    if change.requires_grad:
        # Where other processes hold the rest of the batch, each knows the share of its own tiles in the
        # variance, but what depends on it is the loss of all.
        change.register_hook(lambda gradient: step.mean_over_batch(gradient[None]))
    return variance, 1 + (change - change.detach())
