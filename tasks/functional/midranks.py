"""Ranks of many rows at once, with ties at the mean of their ranks."""

import torch
from torch import Tensor


def midranks(values: Tensor) -> Tensor:
    """Return float64 [B, P]: ranks within each row from 1 for the lowest, ties at the mean of their ranks.

    Args:
        values: float [B, P]; infinities are allowed, NaN is not.
    """
    ordered, order = values.sort(dim=1)
    places = torch.arange(1, values.shape[1] + 1, device=values.device).expand_as(order)
    change = ordered[:, 1:] != ordered[:, :-1]
    edge = change.new_ones(len(values), 1)
    first = places.masked_fill(~torch.cat([edge, change], 1), 0).cummax(1).values
    last = places.masked_fill(~torch.cat([change, edge], 1), values.shape[1]).flip(1).cummin(1).values.flip(1)
    middle = (first + last).double() / 2
    return torch.empty_like(middle).scatter_(1, order, middle)
