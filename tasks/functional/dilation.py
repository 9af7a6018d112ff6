"""Masks grown by a distance."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def dilated(mask: Tensor, radius_px: float) -> Tensor:
    """Return bool [B, H, W]: every pixel whose centre is at most ``radius_px`` from that of a mask pixel.

    The distance is Euclidean, in pixels. Nothing lies beyond the border.

    Args:
        mask: bool [B, H, W].
        radius_px: 0 or more; below 1 the mask itself is returned.
    """
    reach = math.floor(radius_px)
    steps = torch.arange(-reach, reach + 1, device=mask.device)
    disc = steps[:, None] ** 2 + steps[None, :] ** 2 <= radius_px**2
    # Sums of ones and zeros, which no rounding brings near a half.
    near = F.conv2d(mask[:, None].float(), disc[None, None].float(), padding=reach)
    return near[:, 0] > 0.5
