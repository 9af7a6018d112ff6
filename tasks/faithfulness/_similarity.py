"""The rank correlation of a map with other maps of the same tile, for the randomisation metrics."""

from collections.abc import Mapping

import torch
from torch import Tensor

from tasks.functional.midranks import midranks

UNRANKED = "the stored map ranks no pixel: all its magnitudes are equal"
BROKEN = "a map to compare with holds values that are not finite"

BOTH_SIGNS = "magnitudes and signed values are ranked, a score for each"
"""What these metrics do with the sign."""


def rank_similarity(maps: Tensor, others: Tensor, elements: Tensor | None = None) -> Tensor:
    """Return float64 [S, n]: Spearman's rank correlation of each sample's S other maps with its map.

    Ties have the mean of their ranks. A constant map among the others has correlation 0. NaN where ``maps``
    itself is constant or the other map is not finite.

    Args:
        maps: [n, ...], one value per element.
        others: [S, n, ...].
        elements: bool [n, E], which elements exist; None: all.

    Source: Spearman (1904) with midranks; as the measure of Adebayo et al. (2018), arXiv:1810.03292.
    """
    own = _centred_ranks(maps, elements)
    return torch.stack([_correlation(own, other, elements) for other in others])


def excluded_maps(maps: Tensor, others: Tensor, elements: Tensor | None = None) -> Mapping[str, Tensor]:
    """Return bool [n] for each reason why a sample has no similarity; at most one per sample."""
    magnitudes = maps.flatten(1).abs()
    highest, lowest = magnitudes, magnitudes
    if elements is not None:
        highest = magnitudes.masked_fill(~elements, -torch.inf)
        lowest = magnitudes.masked_fill(~elements, torch.inf)
    flat = highest.amax(1) == lowest.amin(1)
    return {UNRANKED: flat, BROKEN: ~flat & ~torch.isfinite(others).flatten(2).all(2).all(0)}


def _centred_ranks(maps: Tensor, elements: Tensor | None) -> Tensor:
    """Return float64 [n, E], the ranks around their mean; 0 for elements that do not exist."""
    values = maps.flatten(1)
    if elements is None:
        return midranks(values) - (values.shape[1] + 1) / 2
    # The absent share the lowest ranks, so that their number is taken off the others' ranks.
    ranks = midranks(values.masked_fill(~elements, -torch.inf)) - (~elements).sum(1, keepdim=True)
    return (ranks - (elements.sum(1, keepdim=True) + 1) / 2) * elements


def _correlation(own: Tensor, other: Tensor, elements: Tensor | None) -> Tensor:
    theirs = _centred_ranks(other.nan_to_num(), elements)
    size, size_there = own.square().sum(1), theirs.square().sum(1)
    correlation = (own * theirs).sum(1) / (size * size_there).sqrt()
    correlation = torch.where(size_there > 0, correlation, 0.0).clamp(-1, 1)
    known = (size > 0) & torch.isfinite(other).flatten(1).all(1)
    return torch.where(known, correlation, torch.nan)
