"""Which tiles an epoch shows and in what order, and what each class weighs."""

from collections.abc import Callable
from functools import partial

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


def capped_positions(
    labels: Tensor, balance: str, shown: range, stream: Callable[[str, int, int], torch.Generator]
) -> Positions:
    """Return the positions of an epoch that shows only some of the tiles.

    All epochs together read one endless sequence: shuffled rounds through all tiles, one after another. Every
    tile is therefore shown once before any is shown twice. Where a round ends within an epoch, a tile may be
    shown at its beginning and again at its end. With balance ``sampling`` the classes take turns, and each
    has rounds of its own.

    Args:
        labels: int64 [N], class indices.
        balance: see :attr:`TrainingRecipe.class_balance`.
        shown: which part of the sequence the epoch shows. Epochs follow one another without a gap.
        stream: gives the generator of a purpose, a class (0 without ``sampling``) and a number: of a round
            (purpose ``round``), or the start of the epoch (purpose ``mix``).
    """
    if balance != "sampling":
        everything = torch.arange(len(labels))
        return _positions(_dealt(everything, shown, partial(stream, "round", 0)))
    classes = int(labels.max()) + 1
    dealt = []
    for k in range(classes):
        # Place i of the sequence is of class i % classes, and the (i // classes)-th of that class.
        turns = range(-(-(shown.start - k) // classes), -(-(shown.stop - k) // classes))
        own = torch.nonzero(labels == k).flatten()
        dealt.append(_dealt(own, turns, partial(stream, "round", k)))
    together = torch.cat(dealt)
    return _positions(together[torch.randperm(len(together), generator=stream("mix", 0, shown.start))])


def _dealt(positions: Tensor, turns: range, generator: Callable[[int], torch.Generator]) -> Tensor:
    """Return the elements ``turns`` of the endless sequence of shuffled rounds through ``positions``."""
    count, pieces = len(positions), []
    for number in range(turns.start // count, -(-turns.stop // count)):
        shuffled = positions[torch.randperm(count, generator=generator(number))]
        pieces.append(shuffled[max(0, turns.start - number * count) : turns.stop - number * count])
    return torch.cat(pieces) if pieces else positions[:0]


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
