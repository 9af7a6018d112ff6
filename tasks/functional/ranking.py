"""Ranks of elements, with ties broken by a second key and not by memory order."""

import torch
from torch import Tensor

from tasks.functional.noise import seed_of, uniform


def tie_keys(seed: int, keys: Tensor, purpose: str, count: int) -> Tensor:
    """Return float64 [B, count]: the secondary key of each element for (seed, sample key, purpose) alone.

    The first keys of a sample do not depend on ``count``, so padding changes none of them.
    """
    return uniform(seed_of(seed, purpose), keys, 0, (count,))


def descending_ranks(values: Tensor, ties: Tensor, elements: Tensor | None = None) -> Tensor:
    """Return int64 [B, E], 0 for the highest value of a row; equal values in ascending order of ``ties``.

    Args:
        values: float [B, E]; NaN is not allowed.
        ties: [B, E], without equal entries in a row.
        elements: bool [B, E], which elements exist; the others come last. None: all exist.
    """
    if elements is not None:
        values = values.masked_fill(~elements, -torch.inf)
    first = ties.argsort(dim=1)
    second = values.gather(1, first).argsort(dim=1, descending=True, stable=True)
    order = first.gather(1, second)
    places = torch.arange(values.shape[1], device=values.device).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, places)


def reversed_ranks(ranks: Tensor, elements: Tensor | None = None) -> Tensor:
    """Return the ranks [B, E] of the same elements when the last goes first; absent ones stay last."""
    if elements is None:
        return ranks.shape[1] - 1 - ranks
    return torch.where(elements, elements.sum(1, keepdim=True) - 1 - ranks, ranks)
