"""DeepLIFT: the margin's difference to a reference, distributed layer by layer."""

from typing import ClassVar

from torch import Tensor, nn

from tasks.explainers._baselines import ExplainsDifference
from tasks.explainers._rescale import rescaled
from tasks.explainers.base import Kind
from tasks.functional.gradients import input_gradient, reduce_channels
from tasks.functional.passes import Passes


class DeepLift(ExplainsDifference):
    """(image - baseline) x multiplier by the rescale rule, complete also over overlapping max-pools.

    Complete for networks of affine layers, elementwise activations and max-pools, as all of ``NetworkRecipe``
    are. Softmax, clamp, maxima over channels, attention, gates of squeeze-and-excitation, normalisation by
    the image's own statistics, and whatever compiled code hides break the sum. The error is stored beside
    every map, and a note where maps are shown says if it is large. Captum 0.9 loses shares where max-pools
    overlap or follow a ReLU directly, raises or differs where ReLUs are reused, in place or functional, and
    sends twice the images backward. The rule is therefore our own.
    """

    source: ClassVar[str] = (
        "Shrikumar, Greenside and Kundaje (2017), arXiv:1704.02685, rescale rule; max-pools as for SHAP's "
        "DeepExplainer, but overlapping shares add up; agrees with Captum 0.9 where that is complete"
    )
    kind: ClassVar[Kind] = "contribution"
    complete: ClassVar[bool] = True

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the contributions [B, H, W], channels reduced.

        Raises:
            ExplanationError: the network cannot be asked about the baseline, or it is checkpointed.
        """
        baseline = self.baseline_images(model, images)
        # A baseline of one colour is the same for all images.
        asked = baseline if self.baseline == "blur" else baseline[:1]
        multipliers = input_gradient(rescaled(model, asked, self.baseline), images, targets)
        return reduce_channels(multipliers * (images - baseline), self.reduce)

    def passes(self) -> Passes:
        """The baseline and the image forward, the image backward.

        A one-colour baseline is evaluated once per batch, so a batch costs less than its images one by one.
        """
        return Passes(forward=2, backward=1)
