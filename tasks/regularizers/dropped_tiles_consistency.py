"""A bag shall be answered alike when some of its tiles are missing."""

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from tasks.functional.divergence import kl_divergence
from tasks.functional.ranking import descending_ranks
from tasks.regularizers._schedule import ramp
from tasks.regularizers.base import Regularizer, State, TrainingPasses
from tasks.samples.axes import Input
from tasks.training_step.step import Step


class DroppedTilesConsistency(Regularizer):
    """Add weight KL(p(bag) || p(rest)), averaged over bags: the rest lacks a random share of the tiles.

    The whole bag teaches: it has no gradient here. At least one tile stays, so a bag of one tile adds
    nothing. The note ``kl`` is the divergence without its weight.
    """

    source: ClassVar[str] = (
        "idea of consistency training, Sajjadi et al. (2016), arXiv:1606.04586, on features of bags with "
        "tiles dropped; ours"
    )
    accepts: ClassVar[frozenset[Input]] = frozenset({"features"})
    no_check: ClassVar[str] = (
        "it moves how the logits answer to dropped tiles; model metrics measure tile classifiers alone"
    )

    weight: float = Field(default=1.0, gt=0)
    """Weight of the divergence."""

    share: float = Field(default=0.5, gt=0, lt=1)
    """The share of a bag's tiles that is dropped, rounded to whole tiles."""

    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of training without the term."""

    ramp: float = Field(default=0.2, ge=0, le=1)
    """Share of training over which the term then grows linearly to its full weight."""

    def passes(self) -> TrainingPasses:
        """Return the pass on what is left of the bags."""
        return TrainingPasses(forward=1, full_backward=1)

    def loss_terms(self, step: Step, state: State) -> tuple[dict[str, Tensor], State]:
        """Return the weighted divergence."""
        rise = ramp(step.progress, self.warmup, self.ramp)
        if rise == 0:
            return {}, state
        left = step.forward(step.inputs, self.kept(step)).logits
        divergence = kl_divergence(step.logits.detach(), left).mean()
        step.note("kl", divergence)
        return {"divergence": rise * self.weight * divergence}, state

    def kept(self, step: Step) -> Tensor:
        """Return which tiles stay, bool [B, N]."""
        drawn, counts = step.uniform(step.mask), step.mask.sum(1, keepdim=True)
        stay = (counts * (1 - self.share)).round().clamp(min=1)
        return step.mask & (descending_ranks(drawn, drawn, step.mask) < stay)
