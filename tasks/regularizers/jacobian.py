"""Jacobian regularization: the logits must not move when pixels do.

Hoffman, Roberts and Yaida (2019), "Robust learning with Jacobian regularization", arXiv:1908.02729, with one
random projection. It is also the output term of activation sensitivity alone, and so its control.
"""

import math
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from tasks.regularizers._schedule import ramp
from tasks.regularizers.base import ManipulationCheck, Regularizer, State, TrainingPasses
from tasks.training_step.step import Step


class Jacobian(Regularizer):
    """Add weight ||df/dx||^2, averaged over tiles: f are the K logits, x the training input in [0, 1].

    The squared Frobenius norm is estimated by K ||d(v^T f)/dx||^2 with v uniform on the unit sphere, one v
    for a tile and step: E v v^T = I / K, so the constant K leaves no bias. The paper's lambda is twice the
    weight. In train mode BatchNorm ties the tiles of a batch together; a derivative is then that of all
    logits of the batch.
    """

    source: ClassVar[str] = "Hoffman, Roberts and Yaida (2019), arXiv:1908.02729; default weight ours"
    uses: ClassVar[frozenset[str]] = frozenset({"input_graph"})
    checks: ClassVar[tuple[ManipulationCheck, ...]] = (
        ManipulationCheck("pixel_sensitivity", "logits", "lower"),
    )

    weight: float = Field(default=3e-4, gt=0)
    """With the default the term was 0.079 where the cross-entropy was 0.74: a mean of four untrained
    ResNet-18 of half width, 32 H&E tiles of 64 px."""

    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of training without the term."""

    ramp: float = Field(default=0.2, ge=0, le=1)
    """Share of training over which the term then grows linearly to its full weight."""

    def passes(self) -> TrainingPasses:
        """Return the one projection: a double backward pass."""
        return TrainingPasses(double_backward=1)

    def loss_terms(self, step: Step, state: State) -> tuple[dict[str, Tensor], State]:
        """Return the weighted squared norm."""
        rise = ramp(step.progress, self.warmup, self.ramp)
        if rise == 0:
            return {}, state
        logits = step.logits
        direction = math.sqrt(logits.shape[1]) * F.normalize(step.normal(logits).to(logits.dtype))
        (gradient,) = torch.autograd.grad(logits, step.inputs, direction, create_graph=True)
        return {"norm": rise * self.weight * gradient.square().sum((1, 2, 3)).mean()}, state
