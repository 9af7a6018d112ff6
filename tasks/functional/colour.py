"""Colour as absorbed light."""

import torch
from torch import Tensor

_DARKEST = 1.0 / 255.0


def optical_density(images: Tensor) -> Tensor:
    """Return [B, C, H, W] >= 0: -log10 of images in [0, 1], white 0; black counts as one grey level of 255.

    Source: the Beer-Lambert law as used by Ruifrok and Johnston (2001).
    """
    return -torch.log10(images.clamp(_DARKEST, 1.0))
