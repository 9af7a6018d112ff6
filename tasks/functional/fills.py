"""What stands in the place of a removed pixel."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Fill = Literal["white", "mean_tissue", "blur"]
"""``white`` glass, the ``mean_tissue`` colour of the tile's slide, or the tile itself in a ``blur``."""


def filled(fill: Fill, images: Tensor, tissue_colour: Tensor, blur_px: float) -> Tensor:
    """Return [B, C, H, W]: the images with every pixel removed.

    Args:
        fill: what to put.
        images: float [B, C, H, W] in [0, 1].
        tissue_colour: [C], the mean colour of the slide's tissue.
        blur_px: standard deviation of the blur in tile pixels.
    """
    if fill == "white":
        return torch.ones_like(images)
    if fill == "mean_tissue":
        return tissue_colour.to(images).view(1, -1, 1, 1).expand_as(images)
    return gaussian_blur(images, blur_px)


def gaussian_blur(images: Tensor, sigma_px: float) -> Tensor:
    """Return [B, C, H, W] smoothed by a Gaussian cut off at four sigma, mirrored at the border."""
    blurred = _blur_rows(images, sigma_px)
    return _blur_rows(blurred.transpose(2, 3), sigma_px).transpose(2, 3)


def _blur_rows(images: Tensor, sigma_px: float) -> Tensor:
    width = images.shape[3]
    radius = min(math.ceil(4 * sigma_px), width - 1)
    offsets = torch.arange(-radius, radius + 1, device=images.device, dtype=torch.float64)
    weights = torch.exp(-0.5 * (offsets / sigma_px) ** 2)
    kernel = (weights / weights.sum()).to(images.dtype).view(1, 1, 1, -1)
    rows = images.reshape(-1, 1, images.shape[2], width)
    return F.conv2d(F.pad(rows, (radius, radius, 0, 0), mode="reflect"), kernel).view_as(images)
