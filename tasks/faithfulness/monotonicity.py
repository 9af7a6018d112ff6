"""Monotonicity: whether more relevant pixels raise the output more when they are inserted."""

from typing import ClassVar

import torch
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.block import Block
from tasks.faithfulness._curves import CurveMetric
from tasks.faithfulness._outputs import Output, rounding_of
from tasks.faithfulness._removal_curves import Order
from tasks.faithfulness._similarity import rank_similarity
from tasks.faithfulness.base import Answers, AttributionBlock, UnitScores
from tasks.functional.whole_numbers import whole_numbers

_FLAT = "pixels of equal relevance come back at every step"
_LEVEL = "the output changes by the same at every step"


class Monotonicity(CurveMetric):
    """From the fill to the whole image, the least relevant pixels first: how the output rises by step.

    ``correlation`` is Spearman's between the mean relevance of the pixels of a step and the rise that they
    bring: the rise itself where signed values are ranked, its size where magnitudes are. 1 for the true
    contributions of a linear model, 0 on average for a map that says nothing. Ties share their ranks.

    ``share`` is the share of steps at which the output does not fall, 1 where the published test passes. It
    has no direction here: of a linear model whose pixels all speak for the target it is 1 for any map. With
    contributions of both signs an arbitrary order often beats the true one, whose first steps must fall.

    The images are those of deletion with the most relevant first, in reverse, so the passes are shared.
    Changes below the rounding of the logits count as 0. Tiles with a constant map or a constant output are
    excluded.
    """

    source: ClassVar[str] = (
        "Arya et al. (2019), arXiv:1909.03012 (the output must not fall; the share of steps in place of yes "
        "or no is ours); Nguyen and Martinez (2020), arXiv:2007.07584 (rank correlation of attribution and "
        "effect; by steps of the curve in place of single features over drawn imputations is ours)"
    )
    orders: ClassVar[tuple[Order, ...]] = ("morf",)

    output: Output = "margin"
    """The margin, since a saturated probability hides the steps."""

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the correlation and the share."""
        effect = {
            "kind": "the rise (contributions) or the size of the change (sensitivities)",
            "signed": "the rise",
            "magnitude": "the size of the change",
        }[self.ranked_by]
        return (
            ScoreInfo(
                name="correlation",
                direction="higher",
                lower_bound=-1.0,
                upper_bound=1.0,
                meaning=f"Spearman between the mean relevance of the pixels put in at a step and {effect} "
                f"of the {self.followed}'s {self.output}; {self.sign}",
            ),
            ScoreInfo(
                name="share",
                direction="none",
                lower_bound=0.0,
                upper_bound=1.0,
                meaning=f"share of steps at which more relevant pixels do not lower the {self.output}",
            ),
        )

    def score_block(self, block: Block, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return both scores, and the curves of all outputs over the fraction of pixels put in."""
        traced = self.traced(block, part, answers, "morf")
        curves = {f"ascending_{name}": line.flip(1) for name, line in traced.items()}
        logits = self.logits(block, part, answers, "morf")
        rounding = rounding_of(logits, traced[self.output], self.output)
        rises = _steady(curves[f"ascending_{self.output}"].diff(dim=1), rounding)
        turned = self.turned(block, answers)
        relevance, effects = self._relevance(block, part, turned), self.ranked(rises)
        flat, level = _alike(relevance), _alike(effects)
        correlation = rank_similarity(relevance[:, None], effects[None, :, None])[0]
        share = (rises >= 0).double().mean(1)
        return UnitScores(
            values={
                name: value.masked_fill(flat | level, torch.nan)
                for name, value in (("correlation", correlation), ("share", share))
            },
            chance={"correlation": torch.zeros_like(correlation)},
            curves=curves,
            fractions=1 - self.fractions(block).flip(-1),
            excluded={_FLAT: flat, _LEVEL: level & ~flat},
        )

    def _relevance(self, block: Block, part: AttributionBlock, turned: Tensor) -> Tensor:
        """Return float64 [n, steps], the mean relevance of what comes back at each step, ascending."""
        counts = self.asked.counts(block)[:, 0].flip(0).to(part.maps.device)
        ranked = self.ranked(part.values)
        ranked = torch.where(turned[:, None], -ranked, ranked)
        values = whole_numbers(ranked).sort(dim=1).values
        sums = torch.nn.functional.pad(values.cumsum(1), (1, 0))[:, counts[0] - counts].diff(dim=1)
        return sums.double() / -counts.diff()


def _steady(rises: Tensor, rounding: Tensor) -> Tensor:
    """Return rises [n, S] in whole multiples of the rounding [n]."""
    return (rises / rounding.clamp(min=torch.finfo(rises.dtype).tiny)[:, None]).round()


def _alike(values: Tensor) -> Tensor:
    return values.amax(1) == values.amin(1)
