"""Adversarial training of slide models: the worst features within a budget, in units of each one's spread."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from tasks.regularizers._schedule import ramp
from tasks.regularizers.base import Regularizer, State, TrainingPasses
from tasks.samples.axes import Input
from tasks.training_step.step import Step


class AdversarialFeatures(Regularizer):
    """Minimise a CE(x) + (1 - a) CE(x + d), where a is ``mix`` and d raises the cross-entropy of the label.

    Every feature of every tile may move by ``eps`` times the spread of that feature in the training tiles.
    One step starts at the bag itself and goes to the edge of the budget; several start at a random point and
    move by 2 eps / steps each. The attack runs in eval mode on the bag; where methods before this one changed
    the training input, d is added to theirs.

    The note ``perturbation`` is the mean magnitude of d over the features and tiles of a bag, in units of
    spread.
    """

    source: ClassVar[str] = (
        "ideas of Goodfellow et al. (2015), arXiv:1412.6572, and Madry et al. (2018), arXiv:1706.06083, on "
        "features; ours"
    )
    accepts: ClassVar[frozenset[Input]] = frozenset({"features"})
    no_check: ClassVar[str] = (
        "it moves how far an attack on features gets; model metrics measure tile classifiers alone"
    )

    eps: float = Field(default=0.1, gt=0)
    """Most that a feature may change, as a share of its spread."""

    steps: int = Field(default=1, ge=1)
    """Steps of the attack."""

    mix: float = Field(default=0.5, ge=0, lt=1)
    """The fraction a of the clean cross-entropy."""

    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of training on clean bags alone."""

    def passes(self) -> TrainingPasses:
        """Return the attack and the pass on its bags."""
        return TrainingPasses(forward=self.steps + 1, input_backward=self.steps, full_backward=1)

    def sample_weights(self, step: Step, state: State) -> tuple[Tensor | None, State]:
        """Return the weight of the clean cross-entropy."""
        if ramp(step.progress, self.warmup, rise=0) == 0:
            return None, state
        return torch.full_like(step.labels, self.mix, dtype=torch.float32), state

    def loss_terms(self, step: Step, state: State) -> tuple[dict[str, Tensor], State]:
        """Return the weighted cross-entropy of the attacked bags."""
        if ramp(step.progress, self.warmup, rise=0) == 0:
            return {}, state
        moved = self.attacked(step) - step.images
        sizes = (moved / step.model.std).abs().mean(2) * step.mask
        step.note("perturbation", (sizes.sum(1) / step.mask.sum(1).clamp(min=1)).mean())
        logits = step.forward(step.inputs.detach() + moved).logits
        losses = step.tile_weights * F.cross_entropy(logits, step.labels, reduction="none")
        return {"adversarial": (1 - self.mix) * losses.mean()}, state

    def attacked(self, step: Step) -> Tensor:
        """Return the features [B, N, D] that the attack ends with, detached."""
        budget = self.eps * step.model.std
        moved, stride = step.images, budget
        if self.steps > 1:
            moved, stride = step.images + budget * (2 * step.uniform() - 1), 2 * budget / self.steps
        with step.eval_mode(), torch.enable_grad():
            for _ in range(self.steps):
                leaf = moved.detach().requires_grad_()
                # In float64, as the gradient of a confident answer is rounded to 0 in float32.
                loss = F.cross_entropy(step.logits_of(leaf).double(), step.labels, reduction="sum")
                (gradient,) = torch.autograd.grad(loss, leaf)
                further = leaf.detach() + stride * gradient.sign()
                moved = torch.minimum(torch.maximum(further, step.images - budget), step.images + budget)
        return moved.detach()
