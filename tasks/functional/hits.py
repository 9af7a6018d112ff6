"""How well maps pick out a mask within an inside, whole batches at a time, with ties by their expectation.

Where values tie, the highest pixel is arbitrary, and a rule that favours the mask would make a constant map
perfect. Here ties count by the average over random orders, which needs no draw and has no error.
"""

import torch
from torch import Tensor

from tasks.functional.midranks import midranks


def auc_inside(values: Tensor, mask: Tensor, inside: Tensor) -> Tensor:
    """Return float64 [B]: how often an inside pixel on the mask is above one off it, ties half.

    NaN unless the inside has both.

    Args:
        values: float [B, P], finite.
        mask: bool [B, P].
        inside: bool [B, P].

    Source: the area under the ROC curve in its Mann-Whitney form, Hanley and McNeil (1982).
    """
    positive = mask & inside
    # All pixels outside have the lowest ranks, so subtracting their number gives the ranks inside.
    ranks = midranks(values.masked_fill(~inside, -torch.inf)) - (~inside).sum(1, keepdim=True)
    hits, misses = positive.sum(1).double(), (inside & ~mask).sum(1).double()
    return ((ranks * positive).sum(1) - hits * (hits + 1) / 2) / (hits * misses)


def fraction_of_top(values: Tensor, mask: Tensor, inside: Tensor, count: Tensor) -> Tensor:
    """Return float64 [B]: the share of the ``count`` highest inside pixels that lie on the mask.

    Pixels that tie for the last ranks count by the fraction of them that fits, on the mask and off it alike.
    NaN where nothing is inside.

    Args:
        values: float [B, P], finite.
        mask: bool [B, P].
        inside: bool [B, P].
        count: int64 [B], from 1 to the pixels inside.
    """
    lowered = values.masked_fill(~inside, -torch.inf)
    edge = lowered.sort(dim=1, descending=True).values.gather(1, count[:, None] - 1)
    above, level = lowered > edge, (lowered == edge) & inside
    left = (count - above.sum(1)).double()
    tied = left * (level & mask).sum(1) / level.sum(1)
    return ((above & mask).sum(1) + tied) / count
