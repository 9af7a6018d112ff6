"""What a model is asked about: images, or bags of features with a mask."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn


class Bags(NamedTuple):
    """Bags padded to one length: ``features`` float [B, N, D], ``mask`` bool [B, N], True on real tiles."""

    features: Tensor
    mask: Tensor


Inputs = Tensor | Bags
"""Images [B, C, H, W] or bags. Inputs of several steps have a further axis in front: [S, B, ...]."""


def ask(network: nn.Module, inputs: Inputs) -> Tensor:
    """Return the logits [B, K]: ``network(images)`` or ``network(features, mask)``."""
    logits: Tensor = network(*inputs) if isinstance(inputs, Bags) else network(inputs)
    return logits


def each(change: Callable[[Tensor], Tensor], inputs: Inputs) -> Inputs:
    """Return the inputs with every tensor changed."""
    return Bags(*map(change, inputs)) if isinstance(inputs, Bags) else change(inputs)


def leading(inputs: Inputs, axes: int = 1) -> tuple[int, ...]:
    """Return the sizes of the first axes."""
    tensor = inputs.mask if isinstance(inputs, Bags) else inputs
    return tuple(tensor.shape[:axes])
