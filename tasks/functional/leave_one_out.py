"""The logits of a bag without each of its tiles, where they are a weighted mean over tiles."""

import torch
from torch import Tensor

from tasks.functional.pooled_terms import PooledTerms


def logits_without_each(terms: PooledTerms) -> Tensor:
    """Return float64 [B, N, K]: the logits of each bag without one tile; those of a bag of one are the bias.

    The largest weight is taken out by a sum of its own. Subtracting it from the sum of all would lose the
    digits of what is left.
    """
    logs, votes = terms.log_weights.double(), terms.votes.double()
    logs = logs.expand_as(votes)
    largest = logs.argmax(1, keepdim=True)
    weights = (logs - logs.gather(1, largest)).exp().nan_to_num(0.0)
    without = _mean(
        (weights * votes).sum(1, keepdim=True) - weights * votes, weights.sum(1, keepdim=True) - weights
    )
    others = logs.scatter(1, largest, -torch.inf)
    shares = others.softmax(1).nan_to_num(0.0)
    without = without.scatter(1, largest, (shares * votes).sum(1, keepdim=True))
    return without + terms.bias.double()


def _mean(total: Tensor, weight: Tensor) -> Tensor:
    """Return total / weight, and 0 where nothing is left."""
    return torch.where(weight > 0, total / weight.clamp(min=torch.finfo(weight.dtype).tiny), 0.0)
