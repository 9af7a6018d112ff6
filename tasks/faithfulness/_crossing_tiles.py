"""The tiles that a mask can score: those whose tissue it crosses."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from tasks.evidence.slide import MaskName
from tasks.evidence.tile_block import TileBlock


@dataclass(frozen=True)
class CrossingTiles:
    """A mask on the tissue of a block, both bool [n, P]. A tile has at most one reason for exclusion.

    A tile without the mask is neither a hit nor a miss, and nor is a tile full of it.
    """

    mask: Tensor
    inside: Tensor

    @classmethod
    def of(cls, block: TileBlock, name: MaskName) -> "CrossingTiles":
        """Return the named mask of a block, cut to its tissue."""
        inside = block.tissue.flatten(1)
        return cls(block.mask(name).flatten(1) & inside, inside)

    @cached_property
    def chance(self) -> Tensor:
        """Float64 [n], the fraction of the tissue in the mask; NaN without tissue."""
        return self.mask.sum(1).double() / self.inside.sum(1)

    @cached_property
    def excluded(self) -> dict[str, Tensor]:
        """Bool [n] for each reason."""
        tissue, hit = self.inside.any(1), self.mask.any(1)
        return {
            "no tissue in the tile": ~tissue,
            "no mask on the tile's tissue": tissue & ~hit,
            "mask covers all of the tile's tissue": tissue & (self.mask == self.inside).all(1),
        }

    @cached_property
    def crossing(self) -> Tensor:
        """Bool [n]: the tiles without a reason."""
        return ~torch.stack(list(self.excluded.values())).any(0)

    def judged(self, values: Tensor) -> Tensor:
        """Return [n] with NaN for excluded tiles."""
        return torch.where(self.crossing, values, torch.nan)
