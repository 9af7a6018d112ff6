"""Control: how near a tile is to the middle of the tissue."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from tasks.explainers._facts import FactControl
from tasks.samples.axes import MapKind
from tasks.samples.inputs import Bags


class CentreDistance(FactControl):
    """Minus the distance in micrometres from the mean position of the tiles: the score of the middle.

    Tumour often lies in the middle of a section, and artefacts at its border.
    """

    source: ClassVar[str] = "the centre baseline of saliency benchmarks, on the tiles of a slide; no paper"
    default_position: ClassVar[int] = 7
    facts: ClassVar[tuple[str, ...]] = ("x_um", "y_um")

    @property
    def map_kind(self) -> MapKind:
        """Ranked with its sign: by magnitude the tiles far from the middle would come first."""
        return "contribution"

    def attribute(self, model: nn.Module, bags: Bags, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return minus the distance [B, N], in micrometres."""
        # In float64: positions of a slide need more digits than their differences have.
        places = torch.stack([self.fact(bags, name) for name in self.facts], dim=2).double()
        counts = bags.mask.sum(1).clamp(min=1)
        centre = places.sum(1) / counts[:, None]
        distance: Tensor = torch.linalg.vector_norm(places - centre[:, None], dim=2)
        return -distance.float()
