"""How few elements hold most of an attribution."""

import torch
from torch import Tensor


def gini(magnitudes: Tensor, elements: Tensor | None = None) -> Tensor:
    """Return float64 [B]: the Gini index of magnitudes [B, E] >= 0; 0 all equal, 1 - 1/E all in one element.

    A row of zeros has no inequality: 0. ``elements`` bool [B, E] says which elements exist; None: all.

    Source: Hurley and Rickard (2009), "Comparing measures of sparsity", arXiv:0811.4706; used for
    attributions by Chalasani et al. (2020), arXiv:1810.06583.
    """
    values = magnitudes.double()
    missing: Tensor | int = 0
    if elements is not None:
        # Zeros sort first and weigh nothing, so they only shift the numbers of the others.
        values, missing = values * elements, (~elements).sum(1, keepdim=True)
    values = values.sort(dim=1).values
    count = values.shape[1] - missing
    numbers = torch.arange(1, values.shape[1] + 1, device=values.device, dtype=torch.float64)
    weights = 2 * (numbers - missing) - count - 1
    total = values.sum(1, keepdim=True)
    index = ((values * weights).sum(1, keepdim=True) / (count * total))[:, 0]
    # Not where the total is above zero: NaN is none of that, and must stay.
    return torch.where(total[:, 0] == 0, torch.zeros_like(index), index)
