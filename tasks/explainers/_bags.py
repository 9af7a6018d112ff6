"""What explainers of bags have in common: gradients of tiles, and the scale that a model carries."""

import torch
from torch import Tensor, nn

from tasks.explainers.base import ExplanationError
from tasks.functional.gradients import input_gradient, target_margin
from tasks.samples.inputs import Bags, ask


def bag_gradient(model: nn.Module, bags: Bags, targets: Tensor) -> Tensor:
    """Return [B, N, D]: the gradient of each bag's margin by its features; 0 on padding."""

    def answer(features: Tensor) -> Tensor:
        return ask(model, bags._replace(features=features))

    return input_gradient(answer, bags.features, targets)


def margins_of_tiles(values: Tensor, targets: Tensor) -> Tensor:
    """Return [B, N] of values [B, N, K] per class: that of the target minus the mean of the others."""
    tiles = values.shape[1]
    return target_margin(values.flatten(0, 1), targets.repeat_interleave(tiles)).view(-1, tiles)


def mean_of_features(model: nn.Module, dim: int) -> Tensor | None:
    """Return the mean [D] of the training features, a buffer of the model; None where it carries none."""
    return _buffer(model, "mean", dim)


def spread_of_features(model: nn.Module, dim: int) -> Tensor | None:
    """Return the standard deviation [D] of the training features, likewise."""
    return _buffer(model, "std", dim)


def needed(found: Tensor | None, what: str, model: nn.Module, why: str) -> Tensor:
    """Return ``found``.

    Raises:
        ExplanationError: there is none; the sentence says what it is for.
    """
    if found is None:
        raise ExplanationError(
            f"{why} needs the {what} of the training features, a buffer {what!r} [D] of the model; "
            f"{type(model).__name__} has none"
        )
    return found


def _buffer(model: nn.Module, name: str, dim: int) -> Tensor | None:
    buffer = dict(model.named_buffers()).get(name)
    return buffer.flatten() if isinstance(buffer, torch.Tensor) and buffer.numel() == dim else None
