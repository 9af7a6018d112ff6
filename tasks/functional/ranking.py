"""Ranks of pixels, with ties broken by a second key and not by memory order."""

import torch
from torch import Tensor

from tasks.functional.noise import seed_of, uniform


def tie_keys(seed: int, keys: Tensor, purpose: str, count: int) -> Tensor:
    """Return float64 [B, count]: the secondary key of each pixel for (seed, tile key, purpose) alone."""
    return uniform(seed_of(seed, purpose), keys, 0, (count,))


def descending_ranks(values: Tensor, ties: Tensor) -> Tensor:
    """Return int64 [B, P], 0 for the highest value of a row; equal values in ascending order of ``ties``.

    Args:
        values: float [B, P]; NaN is not allowed.
        ties: [B, P], without equal entries in a row.
    """
    first = ties.argsort(dim=1)
    second = values.gather(1, first).argsort(dim=1, descending=True, stable=True)
    order = first.gather(1, second)
    places = torch.arange(values.shape[1], device=values.device).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, places)
