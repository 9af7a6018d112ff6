"""The answer of a slide model shall not hang on small changes of its features."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from tasks.functional.gradients import target_margin
from tasks.regularizers._schedule import ramp
from tasks.regularizers.base import Regularizer, State, TrainingPasses
from tasks.samples.axes import Input
from tasks.training_step.step import Step


class FeatureSensitivity(Regularizer):
    """Add weight N ||s dm/dx||^2, averaged over bags: m is the margin of the label, s each feature's spread.

    The norm is over all features of all N tiles of a bag. A tile of a bag twice as large has half the share
    in a mean, so the factor N makes bags of any size count alike. It costs a double backward pass.
    """

    source: ClassVar[str] = (
        "idea of penalising input gradients, Drucker and LeCun (1992), doi 10.1109/72.165600, and Ross and "
        "Doshi-Velez (2018), arXiv:1711.09404, on features; ours"
    )
    accepts: ClassVar[frozenset[Input]] = frozenset({"features"})
    uses: ClassVar[frozenset[str]] = frozenset({"input_graph"})
    no_check: ClassVar[str] = (
        "it moves the gradient of the margin by features; model metrics measure tile classifiers alone"
    )

    weight: float = Field(default=0.01, gt=0)
    """Weight of the squared norm."""

    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of training without the term."""

    ramp: float = Field(default=0.2, ge=0, le=1)
    """Share of training over which the term then grows linearly to its full weight."""

    def passes(self) -> TrainingPasses:
        """Return the gradient by the features, through which the loss goes back."""
        return TrainingPasses(double_backward=1)

    def loss_terms(self, step: Step, state: State) -> tuple[dict[str, Tensor], State]:
        """Return the weighted squared norm."""
        rise = ramp(step.progress, self.warmup, self.ramp)
        if rise == 0:
            return {}, state
        margin = target_margin(step.logits, step.labels).sum()
        (gradient,) = torch.autograd.grad(margin, step.inputs, create_graph=True)
        squares = (step.model.std * gradient).square().sum((1, 2))
        return {"norm": rise * self.weight * (step.mask.sum(1) * squares).mean()}, state
