"""Control: tissue against glass, whatever the model."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from tasks.explainers._controls import BlindControl


class TissueMask(BlindControl):
    """1 where a pixel is stained, 0 on glass or in a gap: a baseline for maps that find tissue.

    An explainer sees the image alone. So this is not the tissue of the tile set, which is found on the whole
    slide with holes filled. It applies the same rule, saturation above a threshold, to every pixel. On a
    fully stained tile it is constant.
    """

    source: ClassVar[str] = "the tissue control of design section 6; the rule is that of tasks.tiling.tissue"
    default_position: ClassVar[int] = 6
    signed: ClassVar[bool] = False

    saturation: float = Field(default=0.05, ge=0, lt=1)
    """Pixels of a higher HSV saturation are tissue; the default is the lowest threshold of tiling."""

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return zeros and ones [B, H, W]."""
        brightest, darkest = images.amax(1), images.amin(1)
        # As a product, since the saturation of black is undefined.
        return torch.where(brightest - darkest > self.saturation * brightest, 1.0, 0.0).to(images)
