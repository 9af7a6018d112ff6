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

    It sums to the margin only for a network without biases and made of pieces that are linear through the
    origin, which no classifier with its normalisation inside is: nothing is promised. White glass gets the
    largest factor, so that lightness weighs in; ``integrated_gradients`` asks against glass instead.
    """

    source: ClassVar[str] = (
        "Shrikumar, Greenside, Shcherbina and Kundaje (2016), arXiv:1605.01713; as in Captum 0.9"
    )
    kind: ClassVar[Kind] = "contribution"

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return image x gradient [B, H, W], channels reduced."""
        # Captum switches gradients on for what it is given and warns; this leaf is ours.
        leaf = images.detach().requires_grad_()
        method = CaptumInputXGradient(margin_of(model))
        values: Tensor = method.attribute(leaf, additional_forward_args=targets)
        return reduce_channels(values.detach(), self.reduce)

    def passes(self) -> Passes:
        """One forward, one backward."""
        return Passes(forward=1, backward=1)
