"""Stain space: how much haematoxylin, eosin and DAB a pixel holds, batched in torch.

Ruifrok and Johnston (2001), "Quantification of histochemical staining by color deconvolution"; constants and
units are those of ``skimage.color.rgb2hed``, which takes one image at a time on the CPU and clips negative
stains to 0. Nothing is clipped here, so the conversion is exactly invertible.
"""

import math

import torch
from torch import Tensor

RGB_FROM_HED = ((0.65, 0.70, 0.29), (0.07, 0.99, 0.11), (0.27, 0.57, 0.78))
"""Absorption of red, green and blue by each of the three stains, one row per stain."""

DARKEST = 1e-6
"""The least brightness: the density of true black would be infinite."""

_UNIT = -math.log(DARKEST)


def rgb_to_hed(images: Tensor) -> Tensor:
    """Return stain amounts [B, 3, H, W] of RGB images [B, 3, H, W] in [0, 1]."""
    density = -torch.log(images.clamp_min(DARKEST)) / _UNIT
    return _mix(density, _matrix(images).inverse())


def hed_to_rgb(stains: Tensor) -> Tensor:
    """Return RGB images [B, 3, H, W] in [0, 1] of stain amounts [B, 3, H, W]."""
    return torch.exp(_mix(stains, _matrix(stains)) * -_UNIT).clamp(0, 1)


def change_stains(images: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Return images whose stain amounts are ``scale`` [B, 3] times the old ones plus ``shift`` [B, 3].

    Both ways are linear in density, so they are one 3 x 3 matrix for each image.
    """
    matrix = _matrix(images)
    change = matrix.inverse() @ (scale[:, :, None] * matrix)
    offset = (shift @ matrix) * _UNIT
    density = -torch.log(images.clamp_min(DARKEST))
    changed = torch.einsum("bchw,bcd->bdhw", density, change) + offset[:, :, None, None]
    return torch.exp(-changed).clamp(0, 1)


def _matrix(like: Tensor) -> Tensor:
    return torch.tensor(RGB_FROM_HED, dtype=like.dtype, device=like.device)


def _mix(channels: Tensor, matrix: Tensor) -> Tensor:
    return torch.einsum("bchw,cd->bdhw", channels, matrix)
