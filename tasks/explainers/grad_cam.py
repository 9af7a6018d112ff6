"""The channels of one layer, weighted by how much the margin grows with each."""

from typing import ClassVar

from torch import Tensor, nn

from tasks.explainers._layer_gradient import output_and_gradient, upsampled
from tasks.explainers._of_layer import LayerExplainer
from tasks.explainers.base import Kind
from tasks.functional.passes import Passes


class GradCam(LayerExplainer):
    """The sum over a layer's channels of (mean gradient of the margin by the channel) x (the channel).

    The map has the layer's resolution, a 32nd of the tile's in the last stage of a ResNet, and is enlarged to
    the tile; on small tiles an earlier ``layer`` shows more. Signed by default: the paper drops evidence
    against the class, which would leave tiles of the other class without a map.
    """

    source: ClassVar[str] = (
        "Selvaraju et al. (2017), arXiv:1610.02391; of the margin rather than the class score, and without "
        "the final ReLU unless ``positive``"
    )
    kind: ClassVar[Kind] = "contribution"

    positive: bool = False
    """Whether values below zero become zero before the map is enlarged, as published."""

    @property
    def signed_maps(self) -> bool:
        """Not with the published ReLU."""
        return not self.positive

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the map [B, H, W].

        Raises:
            ExplanationError: the model has no such ``layer``, or it gives no map.
        """
        output, gradient = output_and_gradient(model, self.layer, images, targets)
        maps = (gradient.mean((2, 3), keepdim=True) * output).sum(1)
        return upsampled(maps.clamp_min(0) if self.positive else maps, images)

    def passes(self) -> Passes:
        """One forward, one backward (only as far as the layer)."""
        return Passes(forward=1, backward=1)
