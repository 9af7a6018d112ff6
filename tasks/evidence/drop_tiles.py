"""Removal of tiles: they leave the bag."""

from dataclasses import dataclass

import torch
from torch import Tensor

from tasks.evidence.bag_block import BagBlock
from tasks.samples.inputs import Bags


@dataclass(frozen=True)
class DropTiles:
    """Takes tiles out of bags by their mask. A bag of fewer tiles is a bag, so nothing is filled in."""

    def key(self) -> tuple[str]:
        """Return a constant: nothing but the removed tiles decides."""
        return ("dropped",)

    def without(self, block: BagBlock, removed: Tensor) -> Bags:
        """Return bags [S, B, N, D]; ``removed`` broadcasts to bool [S, B, N]."""
        features, mask = block.bags.features, block.bags.mask
        left = mask & ~removed
        return Bags(features.expand(len(left), *features.shape), left)

    def without_all(self, block: BagBlock) -> Bags:
        """Return bags [B, N, D] without a tile. The model says what it answers to an empty bag."""
        return Bags(block.bags.features, torch.zeros_like(block.bags.mask))
