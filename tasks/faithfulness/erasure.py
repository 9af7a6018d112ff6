"""Erasure: the drop of the output when the most relevant pixels go, and when only they stay."""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.block import Block
from tasks.faithfulness._curves import CurveMetric
from tasks.faithfulness.base import Answers, AttributionBlock, UnitScores


class Erasure(CurveMetric):
    """Comprehensiveness and sufficiency: drops from the whole image, averaged over sizes of the top.

    At every size k the drop is traced when the top k pixels go (comprehensiveness) and when all but the top k
    go (sufficiency). The curves run over all sizes; the scores are the mean drops over the sizes from one
    step to ``most`` of the pixels, since this is about the top of a map and not about the order of the rest.
    The images are those of deletion; where the steps do not divide the pixels, the two sizes of a step may
    differ by a pixel. A constant map is all ties, which the seed breaks.
    """

    source: ClassVar[str] = (
        "DeYoung et al. (2020), ERASER, arXiv:1911.03429; pixels in place of tokens, filled rather than cut "
        "out, and even steps in place of its five bins, are choices of ours"
    )

    most: float = Field(default=0.5, gt=0, le=1)
    """The largest top that is scored, as a fraction of all pixels; at least one step."""

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the two mean drops of the chosen output."""
        drop = f"mean drop of the {self.followed}'s {self.output} when %s the top pixels go, for tops up to "
        return (
            self._info("comprehensiveness", "higher", drop % "just"),
            self._info("sufficiency", "lower", drop % "all but"),
        )

    def score_block(self, block: Block, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the mean drops, and the curves of all outputs over the size of the top."""
        curves: dict[str, Tensor] = {}
        for name, line in self.traced(block, part, answers, "morf").items():
            curves[f"comprehensiveness_{name}"] = line[:, :1] - line
        for name, line in self.traced(block, part, answers, "lerf").items():
            curves[f"sufficiency_{name}"] = (line[:, :1] - line).flip(1)
        # Slightly more, so that rounding does not turn 0.29 of 100 steps into 28.
        last = max(1, int(self.most * self.steps + 1e-9))
        values = {
            score: curves[f"{score}_{self.output}"][:, 1 : last + 1].mean(1)
            for score in ("comprehensiveness", "sufficiency")
        }
        return UnitScores(values=values, curves=curves, fractions=self.fractions(block))

    def _info(self, name: str, direction: Literal["higher", "lower"], meaning: str) -> ScoreInfo:
        bound = 1.0 if self.output == "probability" else None
        return ScoreInfo(
            name=name,
            direction=direction,
            lower_bound=None if bound is None else -bound,
            upper_bound=bound,
            meaning=f"{meaning}{self.most:g} of the tile; {self.sign}",
        )
