"""Which tiles an epoch shows and in what order, and what each class weighs."""

import numpy as np
import torch
from torch import Tensor

from tasks.training.tiles import Positions


def epoch_order(labels: Tensor, balance: str, generator: torch.Generator) -> Positions:
    """Return positions in the order of one epoch; see :attr:`TrainingRecipe.class_balance`."""
    if balance != "sampling":
        return _positions(torch.randperm(len(labels), generator=generator))
    classes = int(labels.max()) + 1
    share = len(labels) // classes
    drawn = [_rounds(torch.nonzero(labels == k).flatten(), share, generator) for k in range(classes)]
    together = torch.cat(drawn)
    return _positions(together[torch.randperm(len(together), generator=generator)])


def class_weights(labels: Tensor, balance: str) -> Tensor:
    """Return float32 [K] whose mean over the tiles is 1: N / (K n_class), or ones."""
    counts = torch.bincount(labels)
    if balance != "weights":
        return torch.ones(len(counts))
    return len(labels) / (len(counts) * counts.float())


def _rounds(positions: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Return ``count`` positions: every one once before any is repeated."""
    rounds = -(-count // len(positions))
    drawn = [positions[torch.randperm(len(positions), generator=generator)] for _ in range(rounds)]
    return torch.cat(drawn)[:count]


def _positions(order: Tensor) -> Positions:
    return order.numpy().astype(np.intp, copy=False)
