"""What an encoder does to a tile before its network sees it."""

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F

from tasks.models.classifier import Colour

IMAGENET_MEAN: Colour = (0.485, 0.456, 0.406)
IMAGENET_STD: Colour = (0.229, 0.224, 0.225)

Interpolation = Literal["bilinear", "bicubic"]


class TileTransform(BaseModel):
    """Resize, crop from the centre, normalise.

    Attributes:
        resize: side in pixels that a square tile is resized to; None: as it is. Edges are smoothed where a
            tile becomes smaller.
        crop: side in pixels that is cut from the centre; None: all of it.
        interpolation: how a tile is resized.
        mean: per channel, of images in [0, 1].
        std: per channel, likewise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    resize: int | None = Field(default=None, ge=1)
    crop: int | None = Field(default=None, ge=1)
    interpolation: Interpolation = "bilinear"
    mean: Colour = IMAGENET_MEAN
    std: Colour = IMAGENET_STD


class Transformed(nn.Module):
    """A network behind its transform: maps images [B, 3, H, W] in [0, 1] to what the network gives."""

    mean: Tensor
    std: Tensor

    def __init__(self, transform: TileTransform, network: nn.Module) -> None:
        super().__init__()
        self.transform = transform
        self.network = network
        self.register_buffer("mean", torch.tensor(transform.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(transform.std).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Return what the network gives for the prepared images."""
        result: Tensor = self.network(self.prepared(images))
        return result

    def prepared(self, images: Tensor) -> Tensor:
        """Return what the network sees.

        Colours stay unrounded where tiles are resized, and within [0, 1], which a bicubic curve may leave: so
        a value is within a grey level of what a pipeline of 8-bit images gives.
        """
        wanted = self.transform.resize
        if wanted is not None and images.shape[-2:] != (wanted, wanted):
            images = F.interpolate(
                images, size=(wanted, wanted), mode=self.transform.interpolation, antialias=True
            ).clamp(0, 1)
        return (_centre(images, self.transform.crop) - self.mean) / self.std


def _centre(images: Tensor, side: int | None) -> Tensor:
    if side is None:
        return images
    top, left = ((length - side) // 2 for length in images.shape[-2:])
    return images[..., top : top + side, left : left + side]
