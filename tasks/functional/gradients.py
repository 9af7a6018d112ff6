"""The explained quantity and its gradient with respect to the input."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

Reduction = Literal["sum", "l2", "abs_mean"]
"""How the channels of an attribution become one map; only ``sum`` keeps the sign and completeness."""


class LogitsError(ValueError):
    """The output of a model is not logits [B, K] of at least two classes, or a target is not a class."""


def target_margin(logits: Tensor, targets: Tensor) -> Tensor:
    """Return [B]: the logit of the target minus the mean of the other logits.

    Args:
        logits: float [B, K], K at least 2.
        targets: int64 [B], class indices.

    Raises:
        LogitsError: another shape, a single logit, or a target outside [0, K).
    """
    check_logits(logits, targets)
    chosen = logits.gather(1, targets[:, None]).squeeze(1)
    return chosen - (logits.sum(1) - chosen) / (logits.shape[1] - 1)


def check_logits(logits: Tensor, targets: Tensor) -> None:
    """Raise :class:`LogitsError` unless ``logits`` is [B, K >= 2] and ``targets`` [B] are class indices."""
    if logits.ndim != 2 or logits.shape[1] < 2:
        raise LogitsError(
            f"the model gave an output of shape {list(logits.shape)}; needed [B, K] with K >= 2"
        )
    if targets.shape != logits.shape[:1]:
        raise LogitsError(f"targets have shape {list(targets.shape)}; needed [{len(logits)}], one an image")
    # On an accelerator the range is checked by gather, since reading values here would stall it.
    known = range(logits.shape[1])
    if targets.device.type == "cpu" and not all(target in known for target in targets.tolist()):
        raise LogitsError(f"targets are {targets.tolist()}; allowed are 0 to {known[-1]}")


def input_gradient(model: Callable[[Tensor], Tensor], images: Tensor, targets: Tensor) -> Tensor:
    """Return [B, C, H, W]: the gradient of each image's :func:`target_margin` by that image.

    The parameters' ``.grad`` stay untouched. Correct in a batch only if images do not influence each other,
    as in eval mode.
    """
    return gradient_and_logits(model, images, targets)[0]


def gradient_and_logits(
    model: Callable[[Tensor], Tensor], images: Tensor, targets: Tensor
) -> tuple[Tensor, Tensor]:
    """Return :func:`input_gradient` and the logits [B, K], detached, of the same pass."""
    with torch.enable_grad():
        leaf = images.detach().requires_grad_()
        logits = model(leaf)
        (gradient,) = torch.autograd.grad(target_margin(logits, targets).sum(), leaf)
    return gradient, logits.detach()


def reduce_channels(values: Tensor, how: Reduction) -> Tensor:
    """Return [B, H, W] of values [B, C, H, W]: the sum, the Euclidean norm or the mean magnitude."""
    if how == "sum":
        return values.sum(1)
    if how == "l2":
        return values.square().sum(1).sqrt()
    return values.abs().mean(1)
