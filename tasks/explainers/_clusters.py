"""Clusters of the tiles of one bag."""

import torch
from torch import Tensor

from tasks.functional.noise import uniform

_ROUNDS = 20
"""Rounds of Lloyd's algorithm at most; it ends as soon as no tile changes its cluster."""


def clusters_of(tiles: Tensor, count: int, seed: int, keys: Tensor) -> Tensor:
    """Return int64 [N]: the cluster of each of ``tiles`` [N, D], by k-means in units of the features' spread.

    The result depends on (seed, keys) and not on the order of the tiles: the first centres are drawn by
    k-means++ with a random number for each tile.

    Args:
        tiles: features.
        count: the largest number of clusters.
        seed: of the first centres.
        keys: int64 [N], the names of the tiles.
    """
    spread = tiles.std(0, unbiased=False)
    scaled = (tiles - tiles.mean(0)) / torch.where(spread > 0, spread, 1.0)
    centres = _first_centres(scaled, min(count, len(tiles)), seed, keys)
    nearest = torch.cdist(scaled, centres).argmin(1)
    for _ in range(_ROUNDS):
        member = torch.nn.functional.one_hot(nearest, len(centres)).to(scaled)
        sizes = member.sum(0)[:, None]
        # A centre that lost all its tiles stays where it is.
        centres = torch.where(sizes > 0, (member.T @ scaled) / sizes.clamp(min=1), centres)
        moved = torch.cdist(scaled, centres).argmin(1)
        if torch.equal(moved, nearest):
            break
        nearest = moved
    return nearest


def _first_centres(scaled: Tensor, count: int, seed: int, keys: Tensor) -> Tensor:
    """Return [count, D]: tiles, each drawn in proportion to its squared distance to those before."""
    chosen = [scaled[uniform(seed, keys, 0, ()).argmax()]]
    apart = (scaled - chosen[0]).square().sum(1)
    for draw in range(1, count):
        # The largest of log p plus Gumbel noise is a draw from p, whatever the order of the tiles.
        gumbel = -torch.log(-torch.log(uniform(seed, keys, draw, ())))
        chosen.append(scaled[(apart.double().clamp(min=1e-300).log() + gumbel).argmax()])
        apart = torch.minimum(apart, (scaled - chosen[-1]).square().sum(1))
    return torch.stack(chosen)
