"""How widely a map is spread over its pixels."""

import math

import torch
from torch import Tensor


def relative_entropy(magnitudes: Tensor) -> Tensor:
    """Return float64 [B] in [0, 1]: the entropy of each row as shares of its sum, over the largest possible.

    0 all in one pixel, 1 all equal; NaN for a row of zeros, which has no shares.

    Args:
        magnitudes: float [B, P] >= 0, P at least 2.

    Source: Bhatt, Weller and Moura (2020), arXiv:2005.00631 (complexity); the division by log P is ours, so
    that tiles of different sizes are comparable.
    """
    values = magnitudes.double()
    shares = values / values.sum(1, keepdim=True)
    entropy: Tensor = torch.special.entr(shares).sum(1)
    # Rounding may lift equal shares slightly above the largest entropy.
    return (entropy / math.log(values.shape[1])).clamp(max=1.0)


def fraction_above(magnitudes: Tensor, threshold: float) -> Tensor:
    """Return float64 [B] in (0, 1]: the share of pixels above ``threshold`` times the row's largest.

    NaN for a row of zeros, which has no scale.

    Args:
        magnitudes: float [B, P] >= 0.
        threshold: in [0, 1).
    """
    values = magnitudes.double()
    largest = values.amax(1, keepdim=True)
    share = (values > threshold * largest).double().mean(1)
    return torch.where(largest[:, 0] > 0, share, torch.nan)
