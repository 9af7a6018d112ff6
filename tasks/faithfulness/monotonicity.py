"""Monotonicity: whether pixels of more relevance raise the output more as they come back."""

from typing import ClassVar

import torch
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.faithfulness._curves import CurveMetric, Order, Output
from tasks.faithfulness._evidence import Block
from tasks.faithfulness.base import Answers, MapBlock, Scores
from tasks.functional.midranks import midranks

_LEVEL = "the output changes by the same at every step"


class Monotonicity(CurveMetric):
    """From the fill to the whole image, the least relevant pixels first: how the output rises by step.

    ``correlation`` is Spearman's between the place of a step, which is the relevance of its pixels, and the
    rise that they bring: the rise itself where signed values are ranked, its size where magnitudes are. 1 for
    the true contributions of a linear model, 0 on average for an order that says nothing.

    ``share`` is the share of steps at which the output does not fall, 1 where the published test passes. It
    has no direction here: of a linear model whose pixels all speak for the target it is 1 for any map, and
    of one with both signs an arbitrary order often beats the true one, whose first steps must fall.

    The images are those of deletion with the most relevant first, met in reverse, so the passes are shared.
    An output that changes by the same at every step, as that of a constant network, ranks nothing: such a
    tile is excluded. A constant map is all ties, which the seed breaks.
    """

    source: ClassVar[str] = (
        "Arya et al. (2019), arXiv:1909.03012 (the output must not fall; the share of steps in place of yes "
        "or no is ours); Nguyen and Martinez (2020), arXiv:2007.07584 (rank correlation of attribution and "
        "effect; by steps of the curve in place of single features over drawn imputations is ours)"
    )
    orders: ClassVar[tuple[Order, ...]] = ("morf",)

    output: Output = "margin"
    """The margin, since where the probability is saturated no step can show."""

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the correlation and the share."""
        effect = "the rise" if self.ranked_by == "signed" else "the size of the change"
        return (
            ScoreInfo(
                name="correlation",
                direction="higher",
                lower_bound=-1.0,
                upper_bound=1.0,
                meaning=f"Spearman between the relevance of the pixels put in at a step and {effect} of the "
                f"{self.followed}'s {self.output}; {self.sign}",
            ),
            ScoreInfo(
                name="share",
                direction="none",
                lower_bound=0.0,
                upper_bound=1.0,
                meaning=f"share of steps at which more relevant pixels do not lower the {self.output}",
            ),
        )

    def score_block(self, block: Block, part: MapBlock, answers: Answers) -> Scores:
        """Return both scores, and the curves of all outputs over the fraction of pixels put in."""
        traced = self.traced(block, part, answers, "morf")
        curves = {f"ascending_{name}": line.flip(1) for name, line in traced.items()}
        rises = curves[f"ascending_{self.output}"].diff(dim=1)
        effects = self.ranked(rises)
        level = effects.amax(1) == effects.amin(1)
        values = {"correlation": _trend(effects), "share": (rises >= 0).double().mean(1)}
        return Scores(
            values={name: value.masked_fill(level, torch.nan) for name, value in values.items()},
            chance={"correlation": torch.zeros_like(rises[:, 0])},
            curves=curves,
            fractions=1 - self.fractions(block).flip(0),
            excluded={_LEVEL: level},
        )


def _trend(values: Tensor) -> Tensor:
    """Return float64 [n]: Spearman's correlation of each row of [n, S] with its place; NaN for level rows."""
    ranks = midranks(values)
    ranks = ranks - ranks.mean(1, keepdim=True)
    places = torch.arange(values.shape[1], dtype=ranks.dtype, device=ranks.device)
    places = places - places.mean()
    lengths = ranks.norm(dim=1) * places.norm()
    trend: Tensor = ((ranks * places).sum(1) / lengths).clamp(-1, 1)
    return trend
