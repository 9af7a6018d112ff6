"""How few pixels hold most of a map."""

import torch
from torch import Tensor


def gini(magnitudes: Tensor) -> Tensor:
    """Return float64 [B]: the Gini index of magnitudes [B, P] >= 0; 0 all equal, 1 - 1/P all in one pixel.

    A row of zeros has no inequality: 0.

    Source: Hurley and Rickard (2009), "Comparing measures of sparsity", arXiv:0811.4706; used for
    attributions by Chalasani et al. (2020), arXiv:1810.06583.
    """
    values = magnitudes.double().sort(dim=1).values
    count = values.shape[1]
    weights = 2 * torch.arange(1, count + 1, device=values.device, dtype=torch.float64) - count - 1
    total = values.sum(1)
    index = (values * weights).sum(1) / (count * total)
    return torch.where(total > 0, index, torch.zeros_like(index))
