"""Adversarial training: train on the worst images within a budget instead of on the images.

Madry et al. (2018), "Towards deep learning models resistant to adversarial attacks", arXiv:1706.06083.
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from tasks.regularizers._attack import ascend, random_start
from tasks.regularizers._clean_statistics import CleanStatistics
from tasks.regularizers._schedule import ramp
from tasks.regularizers.base import ManipulationCheck, State, TrainingPasses
from tasks.training_step.step import Step


class Adversarial(CleanStatistics):
    """Train on x + d, where d in [-eps, eps] at every pixel raises the cross-entropy of the true label.

    The attack runs on the clean images in eval mode; where methods before this one changed the training
    input, d is added to theirs. BatchNorm's statistics come from attacked images. Ours: they are re-estimated
    on clean training tiles before the network is used.

    Note ``perturbation``: the mean magnitude of d over all pixels and channels, in pixel units.
    """

    source: ClassVar[str] = "Madry et al. (2018), arXiv:1706.06083; warm-up and defaults for H&E are ours"
    checks: ClassVar[tuple[ManipulationCheck, ...]] = (ManipulationCheck("attack_response", "kl", "lower"),)

    eps: float = Field(default=4 / 255, gt=0, le=1)
    """Largest change of a channel of a pixel, for images in [0, 1]; 8/255 in the paper."""

    steps: int = Field(default=3, ge=1)
    """Steps of the attack, from a random start; each moves by 2 eps / steps. 7 in the paper."""

    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of training on clean images, before attacked ones take their place."""

    def passes(self) -> TrainingPasses:
        """Return the attack: the main pass is made on its images."""
        return TrainingPasses(forward=self.steps, input_backward=self.steps)

    def inputs(self, step: Step, state: State) -> tuple[Tensor, State]:
        """Return the training input moved by the attack."""
        if ramp(step.progress, self.warmup, rise=0) == 0:
            return step.inputs, state
        budget, labels = torch.full_like(step.images[:, :1], self.eps), step.labels
        start = random_start(step, budget)
        moved = ascend(
            step, start, budget, self.steps, lambda z: F.cross_entropy(z, labels, reduction="none")
        )
        step.note("perturbation", (moved - step.images).abs().mean())
        return moved if step.inputs is step.images else step.inputs + (moved - step.images), state
