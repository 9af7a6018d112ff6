"""The features of each tile times the gradient of the margin."""

from typing import ClassVar

from torch import Tensor, nn

from tasks.explainers._bags import bag_gradient, mean_of_features
from tasks.explainers.base import Explainer, Kind
from tasks.functional.passes import Passes
from tasks.samples.axes import Input, Support
from tasks.samples.inputs import Bags


class GradientXInput(Explainer):
    """The sum over features of (x - mean) x the gradient of the margin.

    The mean is that of the training features, which the model subtracts itself: so x - mean is, up to a
    scale that cancels, the input of its network. It sums to the margin of the bag minus that of a bag of
    mean tiles only where the model is linear in its features.
    """

    source: ClassVar[str] = (
        "Shrikumar, Greenside, Shcherbina and Kundaje (2016), arXiv:1605.01713, on the features of a bag"
    )
    accepts: ClassVar[frozenset[Input]] = frozenset({"features"})
    support: ClassVar[Support] = "tile"
    kind: ClassVar[Kind] = "contribution"

    def attribute(self, model: nn.Module, bags: Bags, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the products [B, N]."""
        mean = mean_of_features(model, bags.features.shape[2])
        seen = bags.features if mean is None else bags.features - mean
        return (seen * bag_gradient(model, bags, targets)).sum(2)

    def passes(self) -> Passes:
        """One forward, one backward."""
        return Passes(forward=1, backward=1)
