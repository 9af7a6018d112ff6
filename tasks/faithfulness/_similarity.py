"""The rank correlation of a map with other maps of the same tile, for the randomisation metrics."""

from collections.abc import Mapping

import torch
from torch import Tensor

from tasks.functional.midranks import midranks

UNRANKED = "the stored map ranks no pixel: all its magnitudes are equal"
BROKEN = "a map to compare with holds values that are not finite"

BOTH_SIGNS = "magnitudes and signed values are ranked, a score for each"
"""What these metrics do with the sign."""


def rank_similarity(maps: Tensor, others: Tensor) -> Tensor:
    """Return float64 [S, n]: Spearman's rank correlation of each tile's S other maps with its map.

    Ties have the mean of their ranks. A constant map among the others has correlation 0. NaN where ``maps``
    itself is constant or the other map is not finite.

    Args:
        maps: [n, H, W].
        others: [S, n, H, W].

    Source: Spearman (1904) with midranks; as the measure of Adebayo et al. (2018), arXiv:1810.03292.
    """
    own = _centred_ranks(maps)
    return torch.stack([_correlation(own, other) for other in others])


def excluded_maps(maps: Tensor, others: Tensor) -> Mapping[str, Tensor]:
    """Return bool [n] for each reason why a tile has no similarity; at most one per tile."""
    magnitudes = maps.flatten(1).abs()
    flat = magnitudes.amax(1) == magnitudes.amin(1)
    return {UNRANKED: flat, BROKEN: ~flat & ~torch.isfinite(others).flatten(2).all(2).all(0)}


def _centred_ranks(maps: Tensor) -> Tensor:
    ranks = midranks(maps.flatten(1))
    return ranks - (ranks.shape[1] + 1) / 2


def _correlation(own: Tensor, other: Tensor) -> Tensor:
    theirs = _centred_ranks(other.nan_to_num())
    size, size_there = own.square().sum(1), theirs.square().sum(1)
    correlation = (own * theirs).sum(1) / (size * size_there).sqrt()
    correlation = torch.where(size_there > 0, correlation, 0.0).clamp(-1, 1)
    known = (size > 0) & torch.isfinite(other).flatten(1).all(1)
    return torch.where(known, correlation, torch.nan)
