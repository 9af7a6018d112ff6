"""Where the staining of an image changes."""

import torch.nn.functional as F
from torch import Tensor

from tasks.functional.colour import optical_density


def edge_magnitude(images: Tensor) -> Tensor:
    """Return [B, H, W]: the Sobel magnitude of the optical density, summed over the channels.

    In density per pixel of distance. The border is continued by its own value, which makes no edge.

    Args:
        images: float [B, C, H, W] in [0, 1].

    Source: Sobel and Feldman (1968), the 3 x 3 operator.
    """
    density = F.pad(optical_density(images).sum(1, keepdim=True), (1, 1, 1, 1), mode="replicate")[:, 0]
    down = _change(density)
    across = _change(density.transpose(1, 2)).transpose(1, 2)
    return (down.square() + across.square()).sqrt()


def _change(padded: Tensor) -> Tensor:
    """Return [B, H, W] of [B, H + 2, W + 2]: the change from row to row of neighbours weighed 1, 2, 1."""
    smooth = (padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]) / 4
    return (smooth[:, 2:] - smooth[:, :-2]) / 2
