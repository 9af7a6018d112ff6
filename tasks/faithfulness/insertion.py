"""Insertion: how fast the output returns when the most relevant pixels are inserted first."""

from typing import ClassVar

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.block import Block
from tasks.faithfulness._curves import CurveMetric
from tasks.faithfulness._removal_curves import Order
from tasks.faithfulness.base import Answers, AttributionBlock, UnitScores
from tasks.functional.curves import area_under
from tasks.functional.fills import Fill


class Insertion(CurveMetric):
    """Area under the curve from the fill to the whole image, the most relevant pixels coming back first.

    The images are those of deletion with the least relevant pixels first (LeRF), in reverse. With equal
    settings this curve is the LeRF curve backwards, the areas are equal, and the passes are shared. By
    default the fill differs: pixels are inserted into a ``blur``, which makes no edges around them as a flat
    colour does. A constant map is all ties, which the seed breaks.
    """

    source: ClassVar[str] = (
        "Petsiuk, Das and Saenko (2018), arXiv:1806.07421; all channels of a pixel at once, ties by a seed, "
        "the width of the blur and the number of steps are choices of ours"
    )
    orders: ClassVar[tuple[Order, ...]] = ("lerf",)

    fill: Fill = "blur"

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the area of the chosen output."""
        lowest, highest = (0.0, 1.0) if self.output == "probability" else (None, None)
        meaning = f"mean {self.output} of the {self.followed} while the most relevant pixels come first into "
        return (
            ScoreInfo(
                name="auc",
                direction="higher",
                lower_bound=lowest,
                upper_bound=highest,
                meaning=f"{meaning}the {self.fill} fill; {self.sign}",
            ),
        )

    def score_block(self, block: Block, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the area and the curves of all outputs over the fraction of pixels put in."""
        inserted = 1 - self.fractions(block).flip(-1)
        traced = self.traced(block, part, answers, "lerf")
        curves = {f"insertion_{name}": line.flip(1) for name, line in traced.items()}
        auc = area_under(curves[f"insertion_{self.output}"], inserted)
        return UnitScores(values={"auc": auc}, curves=curves, fractions=inserted)
