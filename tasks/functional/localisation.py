"""Does a map lie on a mask? Measures with a known chance level."""

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from tasks.functional.ranking import descending_ranks


def rank_accuracy(maps: Tensor, mask: Tensor, inside: Tensor, ties: Tensor) -> tuple[Tensor, Tensor]:
    """Return (raw, chance), both float64 [B]: the share of the K highest pixels that lie on the mask.

    K is the number of mask pixels inside; pixels outside ``inside`` do not take part; ``chance`` is the
    mask's share of the inside, the average score of a random map. NaN where either is empty.

    Args:
        maps: float [B, P].
        mask: bool [B, P].
        inside: bool [B, P].
        ties: [B, P], see :func:`tasks.functional.ranking.descending_ranks`.

    Source: Arras, Osman and Samek (2022), "CLEVR-XAI", arXiv:2003.07258; the inside is ours.
    """
    mask = mask & inside
    lowest = torch.full_like(maps, -torch.inf)
    ranks = descending_ranks(torch.where(inside, maps, lowest), ties)
    wanted = mask.sum(1)
    hits = ((ranks < wanted[:, None]) & mask).sum(1)
    return hits.double() / wanted, wanted.double() / inside.sum(1)


def above_chance(raw: Tensor, chance: Tensor) -> Tensor:
    """Return (raw - chance) / (1 - chance): 0 for a random map, 1 for a perfect one; NaN at chance 1."""
    return (raw - chance) / torch.where(chance < 1, 1 - chance, torch.nan)


def roc_auc(scores: ArrayLike, labels: ArrayLike) -> float:
    """Return the area under the ROC curve: how often a positive scores above a negative, ties half.

    Args:
        scores: float [N].
        labels: bool [N]; NaN is returned where one class is absent.

    Source: the Mann-Whitney form, Hanley and McNeil (1982).
    """
    positive = np.asarray(labels, dtype=bool)
    _, inverse, counts = np.unique(np.asarray(scores), return_inverse=True, return_counts=True)
    midranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    hits = int(positive.sum())
    misses = positive.size - hits
    if hits == 0 or misses == 0:
        return float("nan")
    return float((midranks[positive].sum() - hits * (hits + 1) / 2) / (hits * misses))
