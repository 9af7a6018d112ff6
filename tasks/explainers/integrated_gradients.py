"""The gradient integrated along the straight line from an image where nothing is there."""

from typing import ClassVar

from captum.attr import IntegratedGradients as CaptumIntegratedGradients
from pydantic import Field
from torch import Tensor, nn

from tasks.explainers._baselines import ExplainsDifference
from tasks.explainers._captum import margin_of
from tasks.explainers.base import Kind
from tasks.functional.gradients import reduce_channels
from tasks.functional.passes import Passes


class IntegratedGradients(ExplainsDifference):
    """(image - baseline) x the mean gradient between them, by Gauss-Legendre quadrature of ``steps`` points.

    The rule is exact where the margin is a polynomial of degree up to 2 ``steps`` along the line; across the
    kinks of ReLUs the error falls about as 1 / ``steps``, and is written beside every map. Steps are taken
    one after the other, so memory does not grow with them.
    """

    source: ClassVar[str] = (
        "Sundararajan, Taly and Yan (2017), arXiv:1703.01365; Captum 0.9 with one step of the batch at a time"
    )
    kind: ClassVar[Kind] = "contribution"
    complete: ClassVar[bool] = True

    steps: int = Field(default=32, ge=1)
    """Points of the quadrature; one forward and one backward pass each."""

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the contributions [B, H, W], channels reduced."""
        values: Tensor = CaptumIntegratedGradients(margin_of(model)).attribute(
            images,
            baselines=self.baseline_images(model, images),
            additional_forward_args=targets,
            n_steps=self.steps,
            internal_batch_size=len(images),
        )
        return reduce_channels(values, self.reduce)

    def passes(self) -> Passes:
        """``steps`` forward and backward."""
        return Passes(forward=1, backward=1) * self.steps
