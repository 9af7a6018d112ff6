"""Removal of tiles: they leave the bag."""

from dataclasses import dataclass

import torch
from torch import Tensor

from tasks.evidence.bag_block import BagBlock
from tasks.samples.inputs import Bags


@dataclass(frozen=True)
class DropTiles:
    """Takes tiles out of bags. A bag of fewer tiles is a bag, so nothing is filled in.

    What is left moves together, in its order, so a network works on no more tiles than there are.
    """

    def key(self) -> tuple[str]:
        """Return a constant: nothing but the removed tiles decides."""
        return ("dropped",)

    def without(self, block: BagBlock, removed: Tensor) -> Bags:
        """Return bags [S, B, L, D], L the most tiles that are left; ``removed`` broadcasts to [S, B, N]."""
        features, mask = block.bags.features, block.bags.mask
        left = mask & ~removed
        longest = max(1, int(left.sum(2).max()))
        places = left.to(torch.uint8).argsort(dim=2, descending=True, stable=True)[:, :, :longest]
        bags = torch.arange(len(mask), device=mask.device)[None, :, None]
        return Bags(features[bags, places], left.gather(2, places))

    def without_all(self, block: BagBlock) -> Bags:
        """Return bags [B, 1, D] without a tile. The model says what it answers to an empty bag."""
        return Bags(block.bags.features[:, :1], torch.zeros_like(block.bags.mask[:, :1]))
