"""The angle between two arrays of an image, whatever their size."""

import torch
from torch import Tensor


def cosine_distance(values: Tensor, others: Tensor) -> Tensor:
    """Return 1 - cos, float [B], of the angle between the flattened rows of two tensors [B, ...].

    It is half the squared distance of the unit vectors, so small angles are not lost in 1 - 1. Rows of any
    size have a direction, even of 1e-30. A row of zeros has none and is at distance 1 from every other. For
    bfloat16 it is computed in float32. Differentiable in both; a row of zeros gets a gradient of zero.
    """
    (first, dead), (second, gone) = _unit(values), _unit(others)
    return ((first - second).square().sum(1) + dead + gone) / 2


def _unit(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return rows [B, D] of unit length, and [B] with 1 for rows of zeros, else 0."""
    flat = values.flatten(1)
    flat = flat.float() if flat.dtype == torch.bfloat16 else flat
    # The squares of 1e-20 are lost in float32, so the largest entry is made 1 first. That needs no gradient
    # of its own: the unit vector does not depend on it.
    largest = flat.detach().abs().amax(1, keepdim=True)
    dead = largest == 0
    scaled = flat / torch.where(dead, 1, largest)
    unit = scaled / scaled.norm(dim=1, keepdim=True).clamp_min(0.5)
    return torch.where(dead, 0, unit), dead.squeeze(1).to(flat)
