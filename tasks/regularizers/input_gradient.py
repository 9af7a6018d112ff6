"""Input gradient regularization by double backpropagation: the loss must not move when pixels do.

Ross and Doshi-Velez (2018), "Improving the adversarial robustness and interpretability of deep neural
networks by regularizing their input gradients", arXiv:1711.09404, after Drucker and LeCun (1992).
"""

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from tasks.regularizers._schedule import ramp
from tasks.regularizers.base import ManipulationCheck, Regularizer, State
from tasks.training_step.step import Step


class InputGradient(Regularizer):
    """Add weight ||dL/dx||^2, averaged over tiles: L is a tile's cross-entropy, x its input in [0, 1].

    L is not weighted by class. In train mode BatchNorm ties the tiles of a batch together; the derivative is
    then that of the sum of their losses. It costs one double backward pass, paid once for all methods that
    use this gradient.
    """

    source: ClassVar[str] = "Ross and Doshi-Velez (2018), arXiv:1711.09404; default weight ours"
    uses: ClassVar[frozenset[str]] = frozenset({"loss_gradient"})
    checks: ClassVar[tuple[ManipulationCheck, ...]] = (
        ManipulationCheck("pixel_sensitivity", "loss", "lower"),
    )

    weight: float = Field(default=1e-3, gt=0)
    """With the default the term was 0.068 where the cross-entropy was 0.74: a mean of four untrained
    ResNet-18 of half width, 32 H&E tiles of 64 px. Where the paper sums over tiles, this is the mean."""

    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of training without the term."""

    ramp: float = Field(default=0.2, ge=0, le=1)
    """Share of training over which the term then grows linearly to its full weight."""

    def loss_terms(self, step: Step, state: State) -> tuple[dict[str, Tensor], State]:
        """Return the weighted squared norm."""
        rise = ramp(step.progress, self.warmup, self.ramp)
        if rise == 0:
            return {}, state
        return {"norm": rise * self.weight * step.loss_gradient.square().sum((1, 2, 3)).mean()}, state
