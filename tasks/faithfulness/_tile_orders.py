"""Orders in which tiles leave a bag: by a map, at random, and at random among tiles of equal darkness.

Ties and draws are of (seed, key of the tile) alone, so the order in which tiles are stored changes nothing.
"""

import torch
from torch import Tensor

from tasks.evidence.bag_block import BagBlock
from tasks.functional.noise import seed_of, uniform
from tasks.functional.ranking import descending_ranks, reversed_ranks

DARKNESS = 2
"""The place of darkness in :data:`tasks.samples.inputs.ABOUT`."""


def map_ranks(block: BagBlock, values: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Return int64 [B, N] twice: the ranks when the highest of ``values`` [B, N] go first, and the lowest.

    Both break ties in the same way. So a map of equal values has equal curves, and a gap of exactly 0.
    """
    known = values.nan_to_num(0.0)
    ties = _uniform(block, seed, "ties of tiles", 1)[0]
    return (
        descending_ranks(known, ties, block.elements),
        descending_ranks(-known, ties, block.elements),
    )


def random_ranks(block: BagBlock, orders: int, seed: int) -> Tensor:
    """Return int64 [R, B, N]: ``orders`` random orders, R of them; the second half is the first reversed.

    An order and its reverse are both random, and their areas differ by opposite amounts. So the gaps of these
    orders have a mean of exactly 0, as those of all orders have.
    """
    drawn = _uniform(block, seed, "random orders of tiles", orders // 2)
    first = torch.stack([_ascending(each, block.elements) for each in drawn])
    return torch.cat([first, torch.stack([reversed_ranks(each, block.elements) for each in first])])


def strata_of(block: BagBlock, darkness: Tensor, strata: int) -> Tensor:
    """Return int64 [B, N]: the quantile of the darkness of each tile in its bag; ``strata`` on padding."""
    ties = _uniform(block, 0, "ties of darkness", 1)[0]
    ranks = descending_ranks(darkness.nan_to_num(0.0), ties, block.elements)
    tiles = block.elements.sum(1, keepdim=True).clamp(min=1)
    return torch.where(block.elements, ranks * strata // tiles, strata)


def matched_ranks(block: BagBlock, ranks: Tensor, strata: Tensor, draws: int, seed: int) -> Tensor:
    """Return int64 [D, B, N]: orders in which tiles of a stratum take each other's places at random.

    After any number of tiles as many of each stratum have left as by ``ranks`` [B, N].
    """
    by_rank = (strata * ranks.shape[1] + ranks).argsort(1)
    places = ranks.gather(1, by_rank)
    drawn = _uniform(block, seed, "tiles of equal darkness", draws)
    return torch.stack(
        [torch.empty_like(ranks).scatter_(1, (strata + each).argsort(1), places) for each in drawn]
    )


def _ascending(values: Tensor, elements: Tensor) -> Tensor:
    order = values.masked_fill(~elements, torch.inf).argsort(dim=1, stable=True)
    places = torch.arange(values.shape[1], device=values.device).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, places)


def _uniform(block: BagBlock, seed: int, purpose: str, draws: int) -> Tensor:
    """Return float64 [draws, B, N] in (0, 1), for (seed, purpose, key of the tile, draw) alone."""
    keys = block.tile_keys
    drawn = uniform(seed_of(seed, purpose), keys.flatten(), 0, (draws,))
    return drawn.T.reshape(draws, *keys.shape)
