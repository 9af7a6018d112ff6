"""Explanation-consistency reweighting: train more on tiles whose explanation depends on the background.

Wu et al. (2024), "Improving network interpretability via explanation consistency evaluation",
arXiv:2408.04600. From its abstract: the background of an image is attacked, the explanations before and after
are compared, and images weigh more the less these agree. All else is reconstructed: the background as the
pixels of lowest input gradient, the attack, both agreements, their product, and the mean weight of 1.
"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from tasks.functional.cosine import cosine_distance
from tasks.functional.divergence import total_variation
from tasks.functional.gradients import target_margin
from tasks.regularizers._attack import OwnStart, most_divergent
from tasks.regularizers._lowest import lowest
from tasks.regularizers._schedule import ramp
from tasks.regularizers.base import ManipulationCheck, Regularizer, State, TrainingPasses
from tasks.training_step.step import Step


class ExplanationConsistency(Regularizer):
    """Weigh each tile's cross-entropy by v = 1 - E, divided by the mean of v over the batch.

    E in [0, 1] is the agreement between a tile and the same tile with its background attacked: the cosine of
    their heatmaps times one minus the total variation between their predictions. A heatmap is the mean over
    channels of the magnitude of the gradient of the label's margin, in eval mode. Dividing by the mean keeps
    the size of a step, which would otherwise shrink as explanations agree more. Where all agree, all weigh 1.
    The notes are the batch means of E (``agreement``) and of its factor ``heatmap_agreement``.
    """

    source: ClassVar[str] = (
        "after the abstract of Wu et al. (2024), arXiv:2408.04600; background, attack, agreement, "
        "normalisation and defaults are reconstructed"
    )
    uses: ClassVar[frozenset[str]] = frozenset({"clean_logits", "saliency"})
    checks: ClassVar[tuple[ManipulationCheck, ...]] = (
        ManipulationCheck("background_response", "disagreement", "lower"),
    )

    share: float = Field(default=0.7, gt=0, le=1)
    """The background: exactly round(share x pixels), those of lowest saliency."""

    eps: float = Field(default=4 / 255, gt=0, le=1)
    """Largest change of a channel of a background pixel, for images in [0, 1]."""

    steps: int = Field(default=3, ge=1)
    """Steps of the attack, which drives the prediction from the clean one."""

    start: OwnStart = "margin"
    """How the attack begins. ``margin``: at the clean image, and its first step lowers the log odds of the
    predicted class. ``uniform``: at a random point of the budget; about every second tile of two classes
    then becomes more certain."""

    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of training in which all tiles weigh 1."""

    ramp: float = Field(default=0.2, ge=0, le=1)
    """Share of training over which the weights then go linearly from 1 to their own."""

    def passes(self) -> TrainingPasses:
        """Return the attack and the second explanation."""
        return TrainingPasses(forward=self.steps + 1, input_backward=self.steps + 1)

    def sample_weights(self, step: Step, state: State) -> tuple[Tensor | None, State]:
        """Return the weights [B], detached, of mean 1 over the batch."""
        rise = ramp(step.progress, self.warmup, self.ramp)
        if rise == 0:
            return None, state
        return 1 + rise * (relative(step, self._disagreement(step)) - 1), state

    def _disagreement(self, step: Step) -> Tensor:
        """Return v = 1 - E, float32 [B]."""
        leaf = self._attacked(step).requires_grad_()
        with step.eval_mode(), torch.enable_grad():
            logits = step.logits_of(leaf)
            (gradient,) = torch.autograd.grad(target_margin(logits, step.labels).sum(), leaf)
        maps = cosine_distance(_heatmap(step.saliency), _heatmap(gradient))
        predictions = total_variation(step.clean_logits, logits.detach())
        # 1 - E written so that little disagreement is not lost in 1 - 1.
        disagreement = maps + predictions - maps * predictions
        step.note("agreement", 1 - disagreement.mean())
        step.note("heatmap_agreement", 1 - maps.mean())
        return disagreement

    def _attacked(self, step: Step) -> Tensor:
        background = lowest(step, step.saliency.abs().mean(1), self.share)
        return most_divergent(step, self.eps * background, self.steps, self.start)


def relative(step: Step, values: Tensor) -> Tensor:
    """Return ``values`` [B] over their mean in the whole batch, or ones where that is 0."""
    mean = step.mean_over_batch(values)
    return torch.where(mean > 0, values / mean, 1)


def _heatmap(gradient: Tensor) -> Tensor:
    return gradient.abs().mean(1)
