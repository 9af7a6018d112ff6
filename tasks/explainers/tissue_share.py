"""Control: how much of a tile is tissue."""

from typing import ClassVar

from torch import Tensor, nn

from tasks.explainers._facts import FactControl
from tasks.samples.inputs import Bags


class TissueShare(FactControl):
    """The fraction of the tile that is tissue: the score of preferring full tiles."""

    source: ClassVar[str] = "the tissue control of tiles, on bags; no paper"
    default_position: ClassVar[int] = 6
    facts: ClassVar[tuple[str, ...]] = ("tissue_fraction",)

    def attribute(self, model: nn.Module, bags: Bags, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the fraction [B, N]."""
        return self.fact(bags, "tissue_fraction")
