"""Grad-CAM in which a channel counts by the number of peaks in the density of its activations."""

from typing import ClassVar

from torch import Tensor, nn

from tasks.explainers._adaptive_density import peaks
from tasks.explainers._layer_gradient import output_and_gradient, upsampled
from tasks.explainers._of_layer import LayerExplainer
from tasks.explainers.base import Kind
from tasks.functional.passes import Passes


class Advise(LayerExplainer):
    """ADVISE-style: the sum over channels of relevance x mean gradient of the margin x the channel.

    A channel whose activations over the tile have one peak responds to everything equally and counts once.
    One that separates parts of the tile has several peaks and counts more. The published method: activations
    of each channel get a kernel density with adaptive bandwidth, channels are grouped by their number of
    peaks, and Grad-CAM is computed for each group. Reconstructed: bandwidths by Abramson's square-root law
    over a pilot by neighbours rather than by a local search; one map in which every channel counts by its
    peaks, rather than a map for each number of peaks to choose from; a continuous number of peaks; the margin
    in place of the class score; the sign kept.

    A density needs samples. With few units, such as the 2 x 2 of the last stage on tiles of 64 px, choose an
    earlier ``layer``. Time grows with the square of the layer's units.
    """

    source: ClassVar[str] = (
        "after Dehshibi et al. (2022), arXiv:2203.01289, reconstructed from the abstract and from what its "
        "public code counts; bandwidths: Abramson (1982), doi:10.1214/aos/1176345986"
    )
    kind: ClassVar[Kind] = "contribution"

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the map [B, H, W].

        Raises:
            ExplanationError: the model has no such ``layer``, or it gives no map.
        """
        output, gradient = output_and_gradient(model, self.layer, images, targets)
        relevance = peaks(output.flatten(0, 1).flatten(1)).view(output.shape[:2])
        weights = relevance * gradient.mean((2, 3))
        return upsampled((weights[:, :, None, None] * output).sum(1), images)

    def passes(self) -> Passes:
        """One forward, one backward (only as far as the layer)."""
        return Passes(forward=1, backward=1)
