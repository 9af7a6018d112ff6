"""Saliency-guided training: the prediction must not move when pixels of low gradient are filled at random.

Ismail, Corrada Bravo and Feizi (2021), "Improving deep learning interpretability by saliency guided
training", arXiv:2111.14338. Their code ranks the gradient of the label's output with its sign, so that the
"lowest" pixels are the most negative ones; that is ``rank: signed`` here. Ours: the gradient of the margin,
ranking by its magnitude as the default, warm-up and ramp.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from tasks.functional.divergence import kl_divergence
from tasks.regularizers._lowest import lowest
from tasks.regularizers._schedule import ramp
from tasks.regularizers.base import ManipulationCheck, Regularizer, State, TrainingPasses
from tasks.training_step.step import Step


class SaliencyGuided(Regularizer):
    """Add weight KL(p(x) || p(x~)), x~ being x with its pixels of lowest saliency filled at random.

    Each channel of a filled pixel gets its own random value, uniform between the lowest and highest value of
    the image. The saliency is taken in eval mode; the clean branch is not detached. The note ``perturbation``
    is the mean magnitude of x~ - x over pixels and channels, in pixel units. Removal by random fill is not a
    fair metric for this method, which was trained on it.
    """

    source: ClassVar[str] = (
        "Ismail et al. (2021), arXiv:2111.14338; ranks of the margin's gradient magnitude, warm-up and ramp "
        "are ours"
    )
    uses: ClassVar[frozenset[str]] = frozenset({"saliency"})
    checks: ClassVar[tuple[ManipulationCheck, ...]] = (
        ManipulationCheck("fill_response", "low_saliency", "lower"),
        ManipulationCheck("fill_response", "random", "lower"),
    )

    share: float = Field(default=0.5, gt=0, le=1)
    """Exactly round(share x pixels) are filled, in every image."""

    rank: Literal["magnitude", "signed"] = "magnitude"
    """What is lowest: the mean over channels of the gradient's magnitude, or of the gradient (published)."""

    mask: Literal["saliency", "random"] = "saliency"
    """``random`` is the control: as many pixels, drawn anew in every step, and no saliency is computed."""

    weight: float = Field(default=1.0, gt=0)
    """Of the divergence."""

    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of training without the term."""

    ramp: float = Field(default=0.2, ge=0, le=1)
    """Share of training over which the term then grows linearly to its full weight."""

    def active_checks(self) -> tuple[ManipulationCheck, ...]:
        """Return the check of the pixels that it fills: those of low saliency, or any."""
        return self.checks[1:] if self.mask == "random" else self.checks[:1]

    def cached_values(self) -> frozenset[str]:
        """Return the saliency, unless the mask is random."""
        return frozenset() if self.mask == "random" else self.uses

    def passes(self) -> TrainingPasses:
        """Return the pass of the filled images."""
        return TrainingPasses(forward=1, full_backward=1)

    def loss_terms(self, step: Step, state: State) -> tuple[Mapping[str, Tensor], State]:
        """Return the divergence of the filled images' prediction from the clean one, weighted."""
        rise = ramp(step.progress, self.warmup, self.ramp)
        if rise == 0:
            return {}, state
        filled = self._filled(step)
        step.note("perturbation", (filled - step.images).abs().mean())
        divergence = kl_divergence(step.logits, step.forward(filled).logits).mean()
        return {"divergence": rise * self.weight * divergence}, state

    def _filled(self, step: Step) -> Tensor:
        images = step.images
        low, high = images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
        chosen = self._chosen(step)
        return torch.where(chosen, low + (high - low) * step.uniform(), images)

    def _chosen(self, step: Step) -> Tensor:
        """Return bool [B, 1, H, W]: the pixels to fill."""
        return lowest(step, None if self.mask == "random" else self._saliency(step), self.share)

    def _saliency(self, step: Step) -> Tensor:
        """Return [B, H, W]; gradients of opposite sign cancel between the channels of ``signed`` alone."""
        gradient = step.saliency
        return gradient.mean(1) if self.rank == "signed" else gradient.abs().mean(1)
