"""Do two maps of the same tiles agree? Rank correlation, and the overlap of their highest tiles."""

import numpy as np
import torch
from numpy.typing import NDArray

from tasks.functional.midranks import midranks

Floats = NDArray[np.floating]


def spearman(one: Floats, other: Floats) -> float:
    """Return the rank correlation of two maps [N], ties at their mean ranks; NaN where one is constant.

    Example:
        >>> round(spearman(np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 15.0])), 6)
        0.5
    """
    if len(one) < 2:
        return float("nan")
    ranks = midranks(torch.from_numpy(np.stack([one, other]).astype(np.float64)))
    centred = ranks - ranks.mean(1, keepdim=True)
    size = centred.square().sum(1).sqrt()
    if float(size.min()) == 0:
        return float("nan")
    return float((centred[0] * centred[1]).sum() / size.prod())


def top_overlap(one: Floats, other: Floats, fraction: float = 0.1) -> float:
    """Return the fraction of the highest tiles of one map [N] that are among those of the other.

    Tiles that are equal where the highest end count in part, as often as a random choice would take them. Two
    maps that know nothing of each other share the fraction of :func:`top_count` on average.
    """
    count = top_count(len(one), fraction)
    return float((_membership(one, count) * _membership(other, count)).sum() / count)


def top_count(tiles: int, fraction: float = 0.1) -> int:
    """Return how many tiles are the highest ``fraction`` of ``tiles``; at least one."""
    return max(1, round(fraction * tiles))


def _membership(values: Floats, count: int) -> NDArray[np.float64]:
    """Return how likely each tile is among the ``count`` highest, with ties broken at random."""
    edge = np.sort(values)[-count]
    above = values > edge
    equal = values == edge
    return np.asarray(above + equal * (count - above.sum()) / equal.sum(), dtype=np.float64)
