"""Fills that replace removed pixels."""

from typing import Literal

import torch
from torch import Tensor

from tasks.functional.blur import gaussian_blur

Fill = Literal["white", "mean_tissue", "blur"]
"""``white`` glass, the ``mean_tissue`` colour of the tile's slide, or the tile itself in a ``blur``."""


def filled(fill: Fill, images: Tensor, tissue_colour: Tensor, blur_px: float) -> Tensor:
    """Return [B, C, H, W]: the images with every pixel removed.

    Args:
        fill: the kind of fill.
        images: float [B, C, H, W] in [0, 1].
        tissue_colour: [C], the mean colour of the slide's tissue.
        blur_px: standard deviation of the blur in tile pixels.
    """
    if fill == "white":
        return torch.ones_like(images)
    if fill == "mean_tissue":
        return tissue_colour.to(images).view(1, -1, 1, 1).expand_as(images)
    return gaussian_blur(images, blur_px)
