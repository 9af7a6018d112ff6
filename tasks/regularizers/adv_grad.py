"""Norm-regularised adversarial training: the dual norm of the perturbation makes gradients structured.

Gong, Dou and Farnia (2024), "Structured gradient-based interpretations via norm-regularized adversarial
training", arXiv:2404.04647; formulas and constants as in the authors' code, peterant330/AdvGrad, training
"fast". Clipping, the gradient in eval mode, warm-up and the units below are ours.
"""

from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from tasks.functional.odds import log_odds
from tasks.regularizers._clean_statistics import CleanStatistics
from tasks.regularizers._schedule import ramp
from tasks.regularizers.base import ManipulationCheck, State, TrainingPasses
from tasks.training_step.step import Step


class AdvGrad(CleanStatistics):
    """Train on clip(x + d) with d from one gradient g of the cross-entropy at the clean image.

    ``elastic``: d = eps sign(g) + 2 eps2 g, for gradients that are sparse and small. ``group``: in every
    square of every channel, d = eps g / rms(g), for gradients that vanish in whole squares. g is that of a
    tile's own loss, unweighted, not of the batch mean: it does not shrink as the batch grows. It is taken in
    eval mode by raw pixel values.

    A single step away from the label can write the label into the image. A training loss that falls while the
    validation loss does not is a sign of this. Where methods before this one changed the training input, d is
    added to theirs. Note ``perturbation``: the mean magnitude of d over pixels and channels, after clipping.
    """

    source: ClassVar[str] = (
        "Gong et al. (2024), arXiv:2404.04647, and their code; clipping, eval mode, warm-up, units and "
        "defaults are ours"
    )
    checks: ClassVar[tuple[ManipulationCheck, ...]] = (ManipulationCheck("attack_response", "kl", "lower"),)

    norm: Literal["elastic", "group"] = "elastic"
    """Which norm of the perturbation is bounded; ``elastic`` with an ``eps2`` of 0 is the largest entry."""

    eps: float = Field(default=4 / 255, ge=0, le=1)
    """In pixel units: the change of every channel of a pixel; with ``group`` its root mean square in a
    square. Published 0.01 channel standard deviations, about 0.002; with ``group`` that was the Euclidean
    length of the change in a square of 14 px, 14 times its root mean square."""

    eps2: float = Field(default=0.0175, ge=0)
    """Of ``elastic``, in squared pixel units. Published 0.05 squared standard deviations, about 0.0025; as
    ``eps`` here it is seven times that."""

    group_px: int = Field(default=16, ge=1)
    """Of ``group``: side of the squares, from the upper left; those at the other edges may be smaller.
    Published 14 of 224."""

    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of training on clean images, before changed ones take their place."""

    def passes(self) -> TrainingPasses:
        """Return the gradient: the main pass is made on the changed images."""
        return TrainingPasses(forward=1, input_backward=1)

    def inputs(self, step: Step, state: State) -> tuple[Tensor, State]:
        """Return the training input moved by d."""
        if ramp(step.progress, self.warmup, rise=0) == 0:
            return step.inputs, state
        moved = (step.images + self._change(*_loss_gradient(step))).clamp(0, 1)
        step.note("perturbation", (moved - step.images).abs().mean())
        return moved if step.inputs is step.images else step.inputs + (moved - step.images), state

    def _change(self, direction: Tensor, error: Tensor) -> Tensor:
        if self.norm == "group":
            return self.eps * direction / group_rms(direction, self.group_px)
        return self.eps * direction.sign() + 2 * self.eps2 * error * direction


def _loss_gradient(step: Step) -> tuple[Tensor, Tensor]:
    """Return the gradient of each tile's cross-entropy in two factors, [B, 3, H, W] and [B, 1, 1, 1].

    They are the gradient of the log odds against the label, and 1 - p of the label. A certain prediction has
    a small gradient, whose direction would be lost without this.
    """
    leaf = step.images.detach().requires_grad_()
    with step.eval_mode(), torch.enable_grad():
        odds = -log_odds(step.logits_of(leaf), step.labels)
        (direction,) = torch.autograd.grad(odds.sum(), leaf)
    return direction, odds.detach().sigmoid().view(-1, 1, 1, 1)


def group_rms(values: Tensor, side: int) -> Tensor:
    """Return [B, C, H, W]: the root mean square of ``values`` in the square, of one channel, of each pixel.

    It is 1 where a square holds zeros alone, so that one may divide by it.
    """
    height, width = values.shape[2:]
    rms = F.avg_pool2d(values.square(), side, ceil_mode=True).sqrt()
    rms = torch.where(rms > 0, rms, 1).repeat_interleave(side, 2).repeat_interleave(side, 3)
    return rms[:, :, :height, :width]
