"""The input gradient of the target's margin."""

from typing import Any, ClassVar

from torch import Tensor, nn

from tasks.explainers._bags import bag_gradient, spread_of_features
from tasks.explainers.base import ChannelExplainer, Kind
from tasks.functional.gradients import input_gradient, reduce_channels
from tasks.functional.passes import Passes
from tasks.samples.axes import Input
from tasks.samples.inputs import Bags


class Gradient(ChannelExplainer):
    """How much the margin changes when a pixel gets lighter: raw and signed, not its magnitude.

    Of a bag it is how fast the margin can change when a tile changes: the length of the gradient, each
    feature in units of its spread over the training tiles. Features have no common sign, so ``sum`` is the
    length too.
    """

    source: ClassVar[str] = "Simonyan, Vedaldi and Zisserman (2013), arXiv:1312.6034"
    accepts: ClassVar[frozenset[Input]] = frozenset({"pixels", "features"})
    kind: ClassVar[Kind] = "sensitivity"

    def signed_for(self, given: Input) -> bool:
        """False for bags."""
        return given == "pixels" and self.signed_maps

    def attribute(self, model: nn.Module, images: Any, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the gradient [B, H, W], channels reduced, or its length [B, N] of bags."""
        if isinstance(images, Bags):
            return self._of_bags(model, images, targets)
        return reduce_channels(input_gradient(model, images, targets), self.reduce)

    def _of_bags(self, model: nn.Module, bags: Bags, targets: Tensor) -> Tensor:
        spread = spread_of_features(model, bags.features.shape[2])
        gradient = bag_gradient(model, bags, targets).flatten(0, 1)
        scaled = gradient if spread is None else gradient * spread
        reduced = reduce_channels(scaled, "l2" if self.reduce == "sum" else self.reduce)
        return reduced.view(bags.mask.shape)

    def passes(self) -> Passes:
        """One forward, one backward."""
        return Passes(forward=1, backward=1)
