"""How far one predicted distribution lies from another."""

import torch.nn.functional as F
from torch import Tensor


def kl_divergence(logits: Tensor, others: Tensor) -> Tensor:
    """Return KL(softmax(logits) || softmax(others)), float [B], of logits [B, K]; neither side is detached.

    Source: Kullback and Leibler (1951), doi 10.1214/aoms/1177729694; in nats.
    """
    first, second = F.log_softmax(logits, dim=1), F.log_softmax(others, dim=1)
    return (first.exp() * (first - second)).sum(1)


def total_variation(logits: Tensor, others: Tensor) -> Tensor:
    """Return half the summed difference of two predictions, float [B] in [0, 1], of their logits [B, K]."""
    return (logits.softmax(1) - others.softmax(1)).abs().sum(1) / 2
