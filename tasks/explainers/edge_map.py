"""Control: where the staining changes, whatever the model."""

from typing import ClassVar

from torch import Tensor, nn

from tasks.explainers._controls import BlindControl
from tasks.functional.edges import edge_magnitude


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
        return edge_magnitude(images)
