"""Control: how dark a tile is."""

from typing import ClassVar

from torch import Tensor, nn

from tasks.explainers._facts import FactControl
from tasks.samples.inputs import Bags


class Darkness(FactControl):
    """The mean optical density of the tile: dense nuclei are dark, so this finds much tumour by itself."""

    source: ClassVar[str] = "Ruifrok and Johnston (2001), the optical density; as a control: ours"
    default_position: ClassVar[int] = 4
    facts: ClassVar[tuple[str, ...]] = ("darkness",)

    def attribute(self, model: nn.Module, bags: Bags, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the density [B, N]."""
        return self.fact(bags, "darkness")
