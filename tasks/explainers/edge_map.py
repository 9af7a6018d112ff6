"""Control: where the staining changes, whatever the model."""

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from tasks.explainers._controls import BlindControl
from tasks.functional.colour import optical_density


class EdgeMap(BlindControl):
    """The Sobel magnitude of the optical density summed over the channels, which finds nuclei by their rim.

    In density per pixel of distance; the border is continued by its own value, which makes no edge.
    """

    source: ClassVar[str] = (
        "Sobel and Feldman (1968), the 3 x 3 operator; edges as a control: Adebayo et al. (2018), "
        "arXiv:1810.03292"
    )
    default_position: ClassVar[int] = 4
    signed: ClassVar[bool] = False

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the magnitude [B, H, W], 0 where the tile is even."""
        density = F.pad(optical_density(images).sum(1, keepdim=True), (1, 1, 1, 1), mode="replicate")[:, 0]
        down = _change(density)
        across = _change(density.transpose(1, 2)).transpose(1, 2)
        return (down.square() + across.square()).sqrt()


def _change(padded: Tensor) -> Tensor:
    """Return [B, H, W] of [B, H + 2, W + 2]: the change from row to row of neighbours weighed 1, 2, 1."""
    smooth = (padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]) / 4
    return (smooth[:, 2:] - smooth[:, :-2]) / 2
