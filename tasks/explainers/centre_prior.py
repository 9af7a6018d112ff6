"""Control: the middle of the tile."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from tasks.explainers._controls import BlindControl


class CentrePrior(BlindControl):
    """A Gaussian hill at the centre with a maximum of 1: the score of preferring the middle.

    Tiles cut around a labelled object have it in the middle; tiles of a grid do not.
    """

    source: ClassVar[str] = (
        "Judd, Durand and Torralba (2012), MIT-CSAIL-TR-2012-001 (the centre baseline of saliency benchmarks)"
    )
    default_position: ClassVar[int] = 7
    signed: ClassVar[bool] = False

    width: float = Field(default=0.25, gt=0)
    """Standard deviation of the hill as a share of the tile's height and width."""

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the hill [B, H, W], the same for every image."""
        height, width = (self._slope(count, images) for count in images.shape[2:])
        return (height[:, None] * width[None, :]).expand(len(images), -1, -1).clone()

    def _slope(self, count: int, like: Tensor) -> Tensor:
        """Return [count], 1 in the middle of a side of ``count`` pixels."""
        places = torch.arange(count, device=like.device, dtype=torch.float64) - (count - 1) / 2
        return torch.exp(-0.5 * (places / (self.width * count)) ** 2).to(like.dtype)
