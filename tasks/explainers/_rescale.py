"""A network seen as linear between an image and a reference: the rescale rule of DeepLIFT."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tasks.explainers._at_calls import ELEMENTWISE, AtCalls, Call
from tasks.explainers._baselines import refuse_broken_baseline
from tasks.explainers._recomputation import refuse_recomputation, refuse_without_gradients
from tasks.functional.pixels import spans

POOLS = frozenset({"adaptive_max_pool2d", "max_pool2d"})

_AT_ONCE = 1 << 19
"""Values that a CPU handles at once."""

_NO_STEP = 1e-6
"""Differences to the reference up to it count as none: the local slope stands in for the quotient."""


def rescaled(model: nn.Module, reference: Tensor, kind: str = "given") -> Callable[[Tensor], Tensor]:
    """Return images -> logits, to be called once, whose gradients are DeepLIFT's multipliers.

    The sum of multiplier x (image - reference) is the difference of the logits where all else than
    :data:`ELEMENTWISE` and :data:`POOLS` is linear; pools may overlap. Both must take the same way through
    the layers.

    Args:
        model: gives logits [B, K], in eval mode; sees the reference once, at this call.
        reference: float [B, C, H, W], or [1, C, H, W] for all images.
        kind: what to call the reference in a sentence.

    Raises:
        ExplanationError: the logits of the reference are not finite, or the network is checkpointed.
    """
    seen: list[tuple[Tensor, ...]] = []

    def record(call: Call) -> Tensor:
        # Copies: the network may change what it has by now in place.
        if call.name not in POOLS:
            seen.append((call.input.clone(),))
            return call.on(call.input)
        maxima, places = _maxima(call, call.input)
        seen.append((call.input.clone(), maxima.clone(), places))
        return maxima

    with torch.no_grad(), AtCalls(ELEMENTWISE | POOLS, record):
        refuse_broken_baseline(model(reference), kind, model)

    def rule(call: Call) -> Tensor:
        refuse_without_gradients("deep_lift")
        return _rescale(call, *seen.pop(0))

    def forward(images: Tensor) -> Tensor:
        with refuse_recomputation("deep_lift"), AtCalls(ELEMENTWISE | POOLS, rule):
            logits: Tensor = model(images)
        return logits

    return forward


def _rescale(call: Call, *there: Tensor) -> Tensor:
    if call.name in POOLS:
        maxima: Tensor = _Pool.apply(call.input, *there, call)  # type: ignore[no-untyped-call]  # torch
        return maxima
    result: Tensor = _Activation.apply(call.input, *there, call)  # type: ignore[no-untyped-call]  # torch
    return call.input.copy_(result) if call.in_place else result


class _Activation(torch.autograd.Function):
    """The call's activation, with the quotient of its differences to the reference as its slope."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, reference: Tensor, call: Call) -> Tensor:
        result = call.on(values.clone() if call.in_place else values)
        if call.name == "relu":
            slope = _quotient(call, values, result, reference)
        else:
            small = (values - reference).abs() <= _NO_STEP
            slope = torch.where(small, _local_slope(call), _quotient(call, values, result, reference))
        ctx.save_for_backward(slope)
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (slope,) = ctx.saved_tensors
        return gradients[0] * slope, None, None


def _quotient(call: Call, values: Tensor, result: Tensor, reference: Tensor) -> Tensor:
    """Return the difference of the results over that of the values, and 0 where there is none of either.

    In the memory of a reference of every image, which is used once: fresh memory for a whole batch would cost
    more than the arithmetic. A CPU goes through it in blocks that fit its cache.
    """
    slope = reference if len(reference) == len(values) else torch.empty_like(values)
    whole = values.device.type != "cpu"
    together = len(values) if whole else max(1, _AT_ONCE // max(1, values[:1].numel()))
    for at in spans(len(values), together):
        given = reference if len(reference) == 1 else reference[at]
        there = call.on(given.clone() if call.in_place else given)
        step = values[at] - given
        # Exact for a ReLU, so that only 0 / 0 needs a word: no difference has nothing to share. NaN stays.
        torch.sub(result[at], there, out=slope[at]).div_(step).masked_fill_(step == 0, 0.0)
    return slope


def _local_slope(call: Call) -> Tensor:
    with torch.enable_grad():
        leaf = call.input.detach().requires_grad_()
        (slope,) = torch.autograd.grad(call.on(leaf.clone()).sum(), leaf)
    return slope


class _Pool(torch.autograd.Function):
    """The call's maxima, with slopes at two pixels of each window that distribute the change of its maximum.

    With top = the greater of both maxima, the pixel of the image's maximum gets top minus the reference's
    maximum, and the pixel of the reference's maximum gets the image's maximum minus top. Both quotients lie
    in [0, 1]: a maximum that rose did so at a pixel that rose at least as much.
    """

    @staticmethod
    def forward(
        ctx: Any, values: Tensor, reference: Tensor, lowest: Tensor, place_there: Tensor, call: Call
    ) -> Tensor:
        highest, place = _maxima(call, values)
        reference, place_there = reference.expand_as(values), place_there.expand_as(place)
        top = torch.maximum(highest, lowest)
        slope = _share(top - lowest, highest - _taken(reference, place))
        slope_there = _share(highest - top, _taken(values, place_there) - lowest)
        ctx.save_for_backward(slope, place, slope_there, place_there)
        ctx.shape = torch.empty_like(values, device="meta")
        return highest

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        slope, place, slope_there, place_there = ctx.saved_tensors
        # In the layout of the values, which the layers before would else bring it into, one by one.
        given = torch.zeros_like(ctx.shape, device=slope.device)
        for part, at in ((slope, place), (slope_there, place_there)):
            given.flatten(2).scatter_add_(2, at.flatten(2), (gradients[0] * part).flatten(2))
        return given, None, None, None, None


def _share(change: Tensor, step: Tensor) -> Tensor:
    """Return the quotient, in the memory of ``change``; no difference has nothing to share. NaN stays."""
    return change.div_(step).masked_fill_(step == 0, 0.0)


def _maxima(call: Call, values: Tensor) -> tuple[Tensor, Tensor]:
    """Return the maxima [B, C, h, w] and their flat places int64 [B, C, h, w] in their planes."""
    pool = getattr(F, call.name)
    maxima, places = pool(values, *call.rest, **{**call.named, "return_indices": True})
    return maxima, places


def _taken(values: Tensor, places: Tensor) -> Tensor:
    """Return values [B, C, H, W] at flat places [B, C, h, w] of their planes, laid out as the places are."""
    taken = torch.empty_like(places, dtype=values.dtype)
    torch.gather(values.flatten(2), 2, places.flatten(2), out=taken.flatten(2))
    return taken
