"""Control: how dark a pixel is. In H&E this finds nuclei without any model."""

from typing import ClassVar

from torch import Tensor, nn

from tasks.explainers._controls import BlindControl
from tasks.functional.colour import optical_density


class OpticalDensity(BlindControl):
    """The optical density summed over the channels: a baseline for explanations of nuclei."""

    source: ClassVar[str] = "Ruifrok and Johnston (2001); as a control: design section 6"
    default_position: ClassVar[int] = 5
    signed: ClassVar[bool] = False

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the density [B, H, W], 0 on white."""
        return optical_density(images).sum(1)
