"""The scale of a network's activations, as a running mean over steps.

A penalty relative to this scale cannot be lowered by shrinking the activations.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from tasks.functional.variance import floored
from tasks.regularizers.base import State
from tasks.training_step.step import Step

RENEWED = 0.1
"""Fraction of a running variance that each step replaces, as in BatchNorm."""


def channel_scales(step: Step, maps: Sequence[Tensor], state: State) -> tuple[list[Tensor], State]:
    """Return for each of ``maps`` [B, C, h, w] the scale of its channels, [C, 1, 1], and the renewed state.

    It is the standard deviation over images and positions, whose square is a running mean over steps; the
    first step takes the batch's own. The mean is subtracted. Otherwise raising the mean would lower the
    penalty as well as calming the channel does. The gradient of the scale is, relative to its value, that of
    the batch's own deviation: without it, descent would keep shrinking the activations although the next
    step's scale undoes the gain.
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
    variance = floored(square - mean.square())
    own_mean, own_square = moments.mean(0)
    change = (own_square - 2 * mean * own_mean) / (2 * variance)
    if change.requires_grad:
        # Where other processes hold the rest of the batch, each knows the share of its own tiles in the
        # variance, but what depends on it is the loss of all.
        change.register_hook(lambda gradient: step.mean_over_batch(gradient[None]))
    return variance, 1 + (change - change.detach())
