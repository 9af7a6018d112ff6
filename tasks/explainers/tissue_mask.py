"""Control: tissue against glass, whatever the model."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from tasks.explainers._controls import BlindControl


class TissueMask(BlindControl):
    """1 where a pixel is stained, 0 where it is glass or a gap: what a map has to beat that finds tissue.

    An explainer sees the image alone. So this is not the tile set's tissue, which is found on the whole slide
    and has its holes filled, but its rule, saturation above a threshold, at every pixel of the tile. On a
    tile full of stain it is constant.
    """

    source: ClassVar[str] = "the tissue control of design section 6; the rule is that of tasks.tiling.tissue"
    default_rank: ClassVar[int] = 6
    signed: ClassVar[bool] = False

    saturation: float = Field(default=0.05, ge=0, lt=1)
    """Pixels of a higher HSV saturation are tissue; the default is the lowest that tiling allows itself."""

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return zeros and ones [B, H, W]."""
        brightest, darkest = images.amax(1), images.amin(1)
        # As a product: black has no saturation to divide out.
        return torch.where(brightest - darkest > self.saturation * brightest, 1.0, 0.0).to(images)
