"""How widely an attribution is spread over its elements."""

import math

import torch
from torch import Tensor


def relative_entropy(magnitudes: Tensor, elements: Tensor | None = None) -> Tensor:
    """Return float64 [B] in [0, 1]: the entropy of each row as shares of its sum, over the largest possible.

    0 all in one element, 1 all equal; NaN for a row of zeros, which has no shares.

    Args:
        magnitudes: float [B, E] >= 0, E at least 2.
        elements: bool [B, E], which elements exist; None: all.

    Source: Bhatt, Weller and Moura (2020), arXiv:2005.00631 (complexity); the division by log P is ours, so
    that tiles of different sizes are comparable.
    """
    values = _present(magnitudes, elements)
    shares = values / values.sum(1, keepdim=True)
    entropy: Tensor = torch.special.entr(shares).sum(1)
    # Rounding may lift equal shares slightly above the largest entropy.
    largest = math.log(values.shape[1]) if elements is None else elements.sum(1).double().log()
    return (entropy / largest).clamp(max=1.0)


def fraction_above(magnitudes: Tensor, threshold: float, elements: Tensor | None = None) -> Tensor:
    """Return float64 [B] in (0, 1]: the fraction of elements above ``threshold`` times the row's largest.

    NaN for a row of zeros, which has no scale.

    Args:
        magnitudes: float [B, E] >= 0.
        threshold: in [0, 1).
        elements: bool [B, E], which elements exist; None: all.
    """
    values = _present(magnitudes, elements)
    largest = values.amax(1, keepdim=True)
    above = (values > threshold * largest).double()
    share = above.mean(1) if elements is None else above.sum(1) / elements.sum(1)
    return torch.where(largest[:, 0] > 0, share, torch.nan)


def _present(magnitudes: Tensor, elements: Tensor | None) -> Tensor:
    """Return float64 [B, E] with 0 for elements that do not exist."""
    return magnitudes.double() if elements is None else magnitudes.double() * elements
