"""The tiles that a mask can score: those whose tissue it crosses."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from tasks.evidence.slide import Against, MaskName
from tasks.evidence.tile_block import TileBlock


@dataclass(frozen=True)
class CrossingTiles:
    """A mask and what it is compared with, its inside, both bool [n, P] and on tissue.

    The inside is the tissue, or with ``against`` the mask and the decoys alone. A tile has at most one reason
    for exclusion. A tile without the mask is neither a hit nor a miss, and nor is a tile full of it.
    """

    mask: Tensor
    inside: Tensor
    tissue: Tensor
    against: Against = "rest"

    @classmethod
    def of(cls, block: TileBlock, name: MaskName, against: Against = "rest") -> "CrossingTiles":
        """Return the named mask of a block, cut to its tissue."""
        tissue = block.tissue.flatten(1)
        mask = block.mask(name).flatten(1) & tissue
        inside = tissue if against == "rest" else (mask | block.mask(against).flatten(1)) & tissue
        return cls(mask, inside, tissue, against)

    @property
    def full(self) -> str:
        """Why a tile with nothing to compare the mask with is excluded."""
        if self.against == "rest":
            return "mask covers all of the tile's tissue"
        return f"no {self.against} beside the mask on the tile's tissue"

    @cached_property
    def chance(self) -> Tensor:
        """Float64 [n], the fraction of the inside in the mask; NaN without an inside."""
        return self.mask.sum(1).double() / self.inside.sum(1)

    @cached_property
    def excluded(self) -> dict[str, Tensor]:
        """Bool [n] for each reason."""
        tissue, hit = self.tissue.any(1), self.mask.any(1)
        return {
            "no tissue in the tile": ~tissue,
            "no mask on the tile's tissue": tissue & ~hit,
            self.full: hit & (self.mask == self.inside).all(1),
        }

    @cached_property
    def crossing(self) -> Tensor:
        """Bool [n]: the tiles without a reason."""
        return ~torch.stack(list(self.excluded.values())).any(0)

    def judged(self, values: Tensor) -> Tensor:
        """Return [n] with NaN for excluded tiles."""
        return torch.where(self.crossing, values, torch.nan)
