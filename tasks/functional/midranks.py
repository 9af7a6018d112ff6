"""Ranks of many rows at once in which equal values share the mean of their places."""

import torch
from torch import Tensor


def midranks(values: Tensor) -> Tensor:
    """Return float64 [B, P]: ranks within each row from 1 for the lowest, ties at the mean of their places.

    Args:
        values: float [B, P]; infinities are allowed, NaN is not.
    """
    values = values.contiguous()
    ordered = values.sort(dim=1).values
    below = torch.searchsorted(ordered, values)
    up_to = torch.searchsorted(ordered, values, right=True)
    return (below + up_to + 1).double() / 2
