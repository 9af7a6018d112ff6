"""Variances of channels that something is divided by."""

import torch
from torch import Tensor

FLOOR = 1e-4
"""Least variance of a channel, as a fraction of the mean over its map, so that dead channels divide
safely."""


def floored(variance: Tensor) -> Tensor:
    """Return ``variance`` [C] raised to the least that may be divided by."""
    return torch.maximum(variance, FLOOR * variance.mean()).clamp_min(1e-12)
