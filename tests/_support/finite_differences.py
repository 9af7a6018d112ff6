"""Gradients of a term of the loss, held against differences of its values."""

from collections.abc import Callable

import torch
from torch import Tensor


def slopes(term: Callable[[], Tensor], weight: Tensor, size: float = 1e-5) -> tuple[float, float]:
    """Return the slope of ``term()`` along a random direction of ``weight``: by autograd, by difference.

    ``term`` must read ``weight`` anew in each call; it is put back. Central differences; needs float64.
    """
    assert weight.dtype == torch.float64
    direction = torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)).double()
    (gradient,) = torch.autograd.grad(term(), weight)
    kept, values = weight.detach().clone(), []
    for shift in (size, -size):
        weight.data = kept + shift * direction
        values.append(term().item())
    weight.data = kept
    return (gradient * direction).sum().item(), (values[0] - values[1]) / (2 * size)
