"""Mean and standard deviation of features over training tiles, in one pass and little memory."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.training.bags import FeatureStore

TILES_PER_SLIDE = 256
"""Tiles that a slide is represented by, evenly spaced, where it has more."""

_CONSTANT = 1e-6
"""Spread, as a share of the largest value, below which a feature counts as constant."""


def feature_statistics(store: FeatureStore) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each feature, float32 [D] and above 0.

    They are those over all tiles; a slide of more than :data:`TILES_PER_SLIDE` is represented by so many, and
    counts by the number it has. A constant feature has the deviation 1, so that it stays a number.
    """
    total, mean, squares = 0.0, np.zeros(store.dim), np.zeros(store.dim)
    for slide, count in enumerate(store.counts):
        values = store.rows(slide, _spaced(int(count))).astype(np.float64)
        own = values.mean(0)
        # Deviations are added up around the means, as squares of large features would lose their digits.
        moved = own - mean
        squares += values.var(0) * count + moved**2 * (total * count / (total + count))
        total += count
        mean += moved * (count / total)
    std = np.sqrt(squares / total)
    std[std <= _CONSTANT * np.maximum(1, np.abs(mean))] = 1.0
    return torch.from_numpy(mean.astype(np.float32)), torch.from_numpy(std.astype(np.float32))


def _spaced(count: int) -> NDArray[np.intp]:
    return np.unique(np.linspace(0, count - 1, min(count, TILES_PER_SLIDE)).round().astype(np.intp))
