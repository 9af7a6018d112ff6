"""Gaussian smoothing of images and maps, on their device."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


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
