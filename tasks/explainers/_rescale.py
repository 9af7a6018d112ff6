"""A network seen as linear between an image and a reference: the rescale rule of DeepLIFT."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tasks.explainers._at_calls import AtCalls, Call

ELEMENTWISE = frozenset(
    {"celu", "elu", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid", "mish"}
    | {"prelu", "relu", "relu6", "selu", "sigmoid", "silu", "softplus", "tanh"}
)
POOLS = frozenset({"adaptive_max_pool2d", "max_pool2d"})

_NO_STEP = 1e-6
"""Differences to the reference up to it count as none: the local slope stands in for the quotient."""


def rescaled(model: nn.Module, reference: Tensor) -> Callable[[Tensor], Tensor]:
    """Return images -> logits whose gradients are the multipliers of DeepLIFT against ``reference``.

    Their sum over multiplier x (image - reference) is the difference of the logits where all else than
    :data:`ELEMENTWISE` and :data:`POOLS` is linear; pools may overlap. Both must take the same way through
    the layers.

    Args:
        model: gives logits [B, K], in eval mode; sees the reference once, at this call.
        reference: float [B, C, H, W].
    """
    inputs: list[Tensor] = []

    def record(call: Call) -> Tensor:
        inputs.append(call.input.clone())  # before it may be changed in place
        return call.on(call.input)

    with torch.no_grad(), AtCalls(ELEMENTWISE | POOLS, record):
        model(reference)

    def forward(images: Tensor) -> Tensor:
        seen = iter(inputs)
        with AtCalls(ELEMENTWISE | POOLS, lambda call: _rescale(call, next(seen))):
            logits: Tensor = model(images)
        return logits

    return forward


def _rescale(call: Call, reference: Tensor) -> Tensor:
    return _pooled(call, reference) if call.name in POOLS else _activated(call, reference)


def _activated(call: Call, reference: Tensor) -> Tensor:
    """Return the activation with the quotient of differences as its slope."""
    values = call.input
    with torch.enable_grad():
        leaf = values.detach().clone().requires_grad_()
        inner = leaf.clone()
        result = call.on(inner)
        (slope,) = torch.autograd.grad(result.sum(), leaf)
    step = leaf.detach() - reference
    rise = result.detach() - call.on(reference.clone())
    slope = torch.where(step.abs() > _NO_STEP, rise / step, slope)
    out = result.detach() + slope * (values - values.detach())
    in_place = result is inner
    return values.copy_(out) if in_place else out


def _pooled(call: Call, reference: Tensor) -> Tensor:
    """Return the maxima with slopes at two places of each window that share out the change of its maximum.

    With top = the greater of both maxima, the place of the image's maximum answers for top less the
    reference's maximum, the place of the reference's for the image's maximum less top. Both quotients lie
    in [0, 1]: a maximum that rose did so at a place that rose at least as much.
    """
    values = call.input
    highest, place = _maxima(call, values.detach())
    highest_there, place_there = _maxima(call, reference)
    top, change = torch.maximum(highest, highest_there), values.detach() - reference
    out = highest
    parts = (
        (place, top - highest_there, (place == place_there).to(values)),
        (place_there, highest - top, torch.zeros_like(highest)),
    )
    for at, rise, without_step in parts:
        step, here = _taken(change, at), _taken(values, at)
        slope = torch.where(step.abs() > _NO_STEP, rise / step, without_step)
        out = out + slope * (here - here.detach())
    return out


def _maxima(call: Call, values: Tensor) -> tuple[Tensor, Tensor]:
    """Return the maxima [B, C, h, w] and their flat places int64 [B, C, h, w] in their planes."""
    pool = getattr(F, call.name)
    maxima, places = pool(values, *call.rest, **{**call.named, "return_indices": True})
    return maxima, places


def _taken(values: Tensor, places: Tensor) -> Tensor:
    """Return values [B, C, H, W] at flat places [B, C, h, w] of their planes."""
    return values.flatten(2).gather(2, places.flatten(2)).view_as(places)
