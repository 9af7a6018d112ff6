"""The sufficient set: the leading tiles of a map that alone keep the call of the slide."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tasks.functional.pooled_curves import removal_logits
from tasks.functional.pooled_terms import PooledTerms, pools

_BATCH = 16
"""Bags that are asked about at once, where the logits have no closed form."""


def sufficient_tiles(
    model: nn.Module, features: NDArray[np.float32], values: NDArray[np.floating]
) -> int | None:
    """Return the fewest tiles of highest value that a slide model calls as it calls the whole slide.

    Tiles enter an empty bag one by one, equal values in the order of the bag. More of them may change the
    call again. At least one tile is needed, also where the model calls nothing as it calls the slide.

    Args:
        model: gives logits [B, K] of features [B, N, D] with a mask [B, N], in eval mode on the CPU.
        features: [N, D] of the whole bag.
        values: [N]; tiles without a value, NaN, enter last.

    Returns:
        The number, or None for a bag without tiles or without a value.
    """
    if not len(features) or not np.isfinite(values).any():
        return None
    order = torch.from_numpy(np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable"))
    bag = torch.from_numpy(features)[None]
    with torch.inference_mode():
        if pools(model):
            whole = torch.ones(bag.shape[:2], dtype=torch.bool)
            return _called_in_closed_form(model.terms(bag, whole), order)
        return _called(model, bag, order)


def _called_in_closed_form(terms: PooledTerms, order: Tensor) -> int:
    count = len(order)
    # The tile that enters first leaves last.
    ranks = torch.empty(1, 1, count, dtype=torch.int64)
    ranks[0, 0, order] = torch.arange(count - 1, -1, -1)
    calls = removal_logits(terms, ranks)[:, 0, 0].argmax(1).flip(0)
    return int(torch.nonzero(calls[1:] == calls[-1])[0]) + 1


def _called(model: nn.Module, bag: Tensor, order: Tensor) -> int:
    count = bag.shape[1]
    whole = torch.ones(1, count, dtype=torch.bool)
    call = model(bag, whole).argmax(1)
    ordered = bag[:, order]
    for start in range(1, count + 1, _BATCH):
        sizes = torch.arange(start, min(start + _BATCH, count + 1))
        longest = int(sizes[-1])
        mask = torch.arange(longest) < sizes[:, None]
        calls = model(ordered[:, :longest].expand(len(sizes), -1, -1), mask).argmax(1)
        kept = torch.nonzero(calls == call)
        if len(kept):
            return int(sizes[int(kept[0])])
    return count
