"""The input gradient of the target's margin."""

from typing import ClassVar

from torch import Tensor, nn

from tasks.explainers.base import ChannelExplainer, Kind
from tasks.functional.gradients import input_gradient, reduce_channels
from tasks.functional.passes import Passes


class Gradient(ChannelExplainer):
    """How much the margin changes when a pixel gets lighter: raw and signed, not its magnitude."""

    source: ClassVar[str] = "Simonyan, Vedaldi and Zisserman (2013), arXiv:1312.6034"
    kind: ClassVar[Kind] = "sensitivity"

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the gradient [B, H, W], channels reduced."""
        return reduce_channels(input_gradient(model, images, targets), self.reduce)

    def passes(self) -> Passes:
        """One forward, one backward."""
        return Passes(forward=1, backward=1)
