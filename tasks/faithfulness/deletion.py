"""Deletion: what happens to the output when pixels go in the order of their attribution, or against it."""

from typing import ClassVar

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.block import Block
from tasks.faithfulness._areas import area_infos, area_scores
from tasks.faithfulness._curves import CurveMetric
from tasks.faithfulness.base import Answers, AttributionBlock, UnitScores


class Deletion(CurveMetric):
    """Areas under the curves with the most (MoRF) and the least relevant pixels first, and their gap.

    The axis runs from 0 to 1, so an area is the mean height of its curve, in [0, 1] for the probability.
    All three outputs are traced; ``output`` chooses the one that is scored. See
    :class:`tasks.faithfulness._curves.CurveMetric` for the images. A constant map consists of ties, which the
    seed breaks, so its gap is 0 on average.
    """

    source: ClassVar[str] = (
        "Samek et al. (2017), arXiv:1509.06321 (MoRF); Tomsett et al. (2020), arXiv:1912.01451 (LeRF and "
        "gap); per pixel rather than per patch, and the fills, are choices of ours"
    )

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return gap, MoRF and LeRF of the chosen output."""
        area = f"mean {self.output} of the {self.followed} while the %s relevant {self.removed} go first; "
        return area_infos(area + self.sign, bounded=self.output == "probability")

    @property
    def removed(self) -> str:
        """What goes at once, in words."""
        return "pixels"

    def score_block(self, block: Block, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the areas and the curves of all outputs."""
        traced = {order: self.traced(block, part, answers, order) for order in self.orders}
        return area_scores(traced, self.output, self.fractions(block))
