"""SCAAT-style training: the prediction must not move when unimportant pixels are attacked.

Xu et al. (2023), "SCAAT: improving neural network interpretability via saliency constrained adaptive
adversarial training", arXiv:2311.05143. Only the abstract was available: adversarial samples are built under
the guidance of the saliency map. All else is reconstructed: attacking pixels of *low* saliency, ranking
saliency, the three budgets, KL as the divergence, the attack's steps and every default.
"""

from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor

from tasks.functional.blur import gaussian_blur
from tasks.functional.divergence import kl_divergence
from tasks.regularizers._attack import OwnStart, most_divergent
from tasks.regularizers._lowest import pixel_ranks
from tasks.regularizers._schedule import ramp
from tasks.regularizers.base import ManipulationCheck, Regularizer, State, TrainingPasses
from tasks.training_step.step import Step

FRACTIONS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""What the adaptive budget chooses from; with "none" these are eight, which three halvings tell apart."""

HALVINGS = 3


class Scaat(Regularizer):
    """Add weight KL(p(x) || p(x + d)), with d attacked against inside a budget eps w for every pixel.

    The saliency of a pixel is the mean over channels of the magnitude of the gradient of the label's margin,
    of logits, as probabilities saturate. Pixels are ranked by it, ties at random, so that one extreme pixel
    cannot decide the mask. The clean branch is not detached. The controls ``random`` and ``top_saliency``
    differ in the order alone: same code, same eps, same number of pixels.

    Notes: ``perturbation`` is the mean magnitude of d over all pixels and channels, in pixel units (white
    glass cannot get lighter, so it is below the budget); ``share`` is the share of pixels with a budget.
    """

    source: ClassVar[str] = (
        "SCAAT-style, after the abstract of Xu et al. (2023), arXiv:2311.05143; loss, mask, budgets and "
        "defaults are reconstructed"
    )
    uses: ClassVar[frozenset[str]] = frozenset({"clean_logits", "saliency"})
    checks: ClassVar[tuple[ManipulationCheck, ...]] = (ManipulationCheck("attack_response", "kl", "lower"),)

    mask: Literal["low_saliency", "random", "top_saliency"] = "low_saliency"
    """Which pixels come first: the method, and its two controls."""

    budget: Literal["hard", "soft", "adaptive"] = "hard"
    """``hard``: w = 1 for the first ``share`` of the pixels.

    ``soft``: w falls from 1 for the first pixel to 0 for the last, as (1 - rank) ** gamma.

    ``adaptive``: as hard, with a fraction per tile: the largest of :data:`FRACTIONS` at which putting a
    blurred copy in place of the pixels moves the prediction by a KL of at most ``tau``; none if none does.
    It is found by bisection, which takes the KL to grow with the share. A control then has its own shares
    (compare the note ``share``), and removal by blur is not a fair metric.
    """

    share: float = Field(default=0.7, gt=0, le=1)
    """Of ``hard``: the mask takes exactly round(share x pixels)."""

    gamma: float = Field(default=1.0, gt=0)
    """Of ``soft``."""

    tau: float = Field(default=0.1, ge=0)
    """Of ``adaptive``, in nats."""

    blur_px: float = Field(default=4.0, gt=0)
    """Of ``adaptive``: standard deviation of the blur in tile pixels."""

    eps: float = Field(default=4 / 255, gt=0, le=1)
    """Largest change of a channel of a pixel, for images in [0, 1]."""

    steps: int = Field(default=3, ge=1)
    """Steps of the attack; each moves by 2 eps w / steps."""

    start: OwnStart = "margin"
    """How the attack begins. ``margin``: at the clean image, and its first step lowers the log odds of the
    predicted class. ``uniform``: at a random point of the budget; about every second tile of two classes
    then becomes more certain."""

    weight: float = Field(default=1.0, ge=0)
    """Of the divergence."""

    adversarial_weight: float = Field(default=0.0, ge=0)
    """Of the cross-entropy on the attacked images."""

    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of training without the term."""

    ramp: float = Field(default=0.2, ge=0, le=1)
    """Share of training over which the term then grows linearly to its full weight."""

    @model_validator(mode="after")
    def _has_a_term(self) -> "Scaat":
        if self.weight == 0 and self.adversarial_weight == 0:
            raise ValueError("weight and adversarial_weight are both 0: nothing would be added to the loss")
        return self

    def cached_values(self) -> frozenset[str]:
        """Return the clean logits, and the saliency unless the mask is random."""
        return self.uses - {"saliency"} if self.mask == "random" else self.uses

    def passes(self) -> TrainingPasses:
        """Return the attack, the pass of the attacked images and, if adaptive, three of blurred ones."""
        halvings = HALVINGS if self.budget == "adaptive" else 0
        return TrainingPasses(forward=self.steps + 1 + halvings, input_backward=self.steps, full_backward=1)

    def loss_terms(self, step: Step, state: State) -> tuple[dict[str, Tensor], State]:
        """Return the divergence and, if it has a weight, the cross-entropy of the attacked images."""
        rise = ramp(step.progress, self.warmup, self.ramp)
        if rise == 0:
            return {}, state
        logits = step.forward(self._attacked(step)).logits
        terms = {"divergence": rise * self.weight * kl_divergence(step.logits, logits).mean()}
        if self.adversarial_weight > 0:
            losses = F.cross_entropy(logits, step.labels, reduction="none")
            terms["cross_entropy"] = rise * self.adversarial_weight * (step.tile_weights * losses).mean()
        return terms, state

    def _attacked(self, step: Step) -> Tensor:
        images = step.images
        weights = self._weights(step).view(-1, 1, *images.shape[2:])
        attacked = most_divergent(step, self.eps * weights, self.steps, self.start)
        step.note("perturbation", (attacked - images).abs().mean())
        step.note("share", (weights > 0).float().mean())
        return attacked

    def _weights(self, step: Step) -> Tensor:
        """Return w, float32 [B, P]."""
        order = self._places(step)
        pixels = order.shape[1]
        if self.budget == "soft":
            return (1 - order / (pixels - 1)) ** self.gamma
        if self.budget == "hard":
            return (order < round(self.share * pixels)).float()
        return (order < self._counts(step, order)[:, None]).float()

    def _places(self, step: Step) -> Tensor:
        """Return int64 [B, P]: the place of each pixel in the order of attack, from 0."""
        if self.mask == "random":
            return pixel_ranks(step, None)
        saliency = step.saliency.abs().mean(1)
        return pixel_ranks(step, -saliency if self.mask == "top_saliency" else saliency)

    def _counts(self, step: Step, order: Tensor) -> Tensor:
        """Return int64 [B]: how many pixels of each tile may be blurred, in three passes in eval mode."""
        images, blurred = step.images, gaussian_blur(step.images, self.blur_px)
        counts = torch.tensor(
            [0, *(round(size * order.shape[1]) for size in FRACTIONS)], device=images.device
        )
        low = torch.zeros_like(step.labels)
        high = torch.full_like(step.labels, len(FRACTIONS))
        with step.eval_mode(), torch.no_grad():
            for _ in range(HALVINGS):
                middle = (low + high + 1) // 2
                chosen = (order < counts[middle][:, None]).view(-1, 1, *images.shape[2:])
                moved = step.logits_of(torch.where(chosen, blurred, images))
                kept = kl_divergence(step.clean_logits, moved) <= self.tau
                low, high = torch.where(kept, middle, low), torch.where(kept, high, middle - 1)
        return counts[low]
