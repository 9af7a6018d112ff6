"""TRADES: the prediction must not move when any pixel is attacked.

Zhang et al. (2019), "Theoretically principled trade-off between robustness and accuracy", arXiv:1901.08573,
and the authors' code, github.com/yaodongyu/TRADES. As in the code, the attack runs in eval mode on the
divergence, both branches of the loss in train mode, the clean one not detached. Unlike in the code, the
attack's first step lowers the log odds of the predicted class, and steps are 2 eps / steps; this makes it
SCAAT-style training without a mask, and its baseline. The start of the code is ``start: published``.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from tasks.functional.divergence import kl_divergence
from tasks.regularizers._attack import most_divergent
from tasks.regularizers._schedule import ramp
from tasks.regularizers.base import ManipulationCheck, Regularizer, State, TrainingPasses
from tasks.training_step.step import Step


class Trades(Regularizer):
    """Add weight KL(p(x) || p(x + d)), with d attacked against inside [-eps, eps] at every pixel.

    Note ``perturbation``: the mean magnitude of d over all pixels and channels, in pixel units.
    """

    source: ClassVar[str] = (
        "Zhang et al. (2019), arXiv:1901.08573; first step by the margin, warm-up, ramp and defaults for H&E "
        "are ours"
    )
    uses: ClassVar[frozenset[str]] = frozenset({"clean_logits"})
    checks: ClassVar[tuple[ManipulationCheck, ...]] = (ManipulationCheck("attack_response", "kl", "lower"),)

    eps: float = Field(default=4 / 255, gt=0, le=1)
    """Largest change of a channel of a pixel, for images in [0, 1]; 0.031 in the paper."""

    steps: int = Field(default=3, ge=1)
    """Steps of the attack; 10 in the paper."""

    start: Literal["margin", "uniform", "published"] = "margin"
    """How the attack begins. ``margin``: at the clean image, and its first step lowers the log odds of the
    predicted class. ``published``: at 0.001 x normal noise, as in the authors' code. ``uniform``: at a random
    point of the budget. From a random start about every second tile of two classes becomes more certain."""

    weight: float = Field(default=1.0, gt=0)
    """Of the divergence: 1 as in the masked methods; the paper's beta is 6."""

    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of training without the term."""

    ramp: float = Field(default=0.2, ge=0, le=1)
    """Share of training over which the term then grows linearly to its full weight."""

    def passes(self) -> TrainingPasses:
        """Return the attack and the pass of the attacked images."""
        return TrainingPasses(forward=self.steps + 1, input_backward=self.steps, full_backward=1)

    def loss_terms(self, step: Step, state: State) -> tuple[dict[str, Tensor], State]:
        """Return the divergence."""
        strength = self.weight * ramp(step.progress, self.warmup, self.ramp)
        if strength == 0:
            return {}, state
        attacked = self.attacked(step)
        step.note("perturbation", (attacked - step.images).abs().mean())
        divergence = kl_divergence(step.logits, step.forward(attacked).logits).mean()
        return {"divergence": strength * divergence}, state

    def attacked(self, step: Step) -> Tensor:
        """Return the images [B, 3, H, W] that the attack makes of the step's images."""
        budget = torch.full_like(step.images[:, :1], self.eps)
        return most_divergent(step, budget, self.steps, self.start)
