"""The image times the input gradient of the target's margin."""

from typing import ClassVar

from captum.attr import InputXGradient as CaptumInputXGradient
from torch import Tensor, nn

from tasks.explainers._captum import margin_of
from tasks.explainers.base import ChannelExplainer, Kind
from tasks.functional.gradients import reduce_channels
from tasks.functional.passes import Passes


class InputXGradient(ChannelExplainer):
    """Each pixel's share of the margin's linear part, against black, in pixel units [0, 1].

    It sums to the margin only for networks without biases that are linear through the origin piece by piece.
    No classifier with its normalisation inside is one, so no completeness is claimed. White glass gets the
    largest factor; ``integrated_gradients`` compares with glass instead.
    """

    source: ClassVar[str] = (
        "Shrikumar, Greenside, Shcherbina and Kundaje (2016), arXiv:1605.01713; as in Captum 0.9"
    )
    kind: ClassVar[Kind] = "contribution"

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return image x gradient [B, H, W], channels reduced."""
        # Captum switches gradients on for its input and warns, so it gets a leaf of our own.
        leaf = images.detach().requires_grad_()
        method = CaptumInputXGradient(margin_of(model))
        values: Tensor = method.attribute(leaf, additional_forward_args=targets)
        return reduce_channels(values.detach(), self.reduce)

    def passes(self) -> Passes:
        """One forward, one backward."""
        return Passes(forward=1, backward=1)
