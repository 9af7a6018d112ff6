"""Entropy: how widely the magnitude of a map is spread over the tile."""

from typing import ClassVar

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.block import Block
from tasks.faithfulness.base import Answers, AttributionBlock, Metric, UnitScores
from tasks.functional.spread import relative_entropy
from tasks.samples.axes import ScoreUnit, Support


class Entropy(Metric):
    """The entropy of the magnitudes as shares of their sum, over the largest possible: simple, not faithful.

    A map of zeros has no shares: it is excluded and counted.
    """

    source: ClassVar[str] = (
        "Bhatt, Weller and Moura (2020), arXiv:2005.00631 (complexity); divided by its largest value, log of "
        "the number of pixels, is ours"
    )
    units: ClassVar[frozenset[ScoreUnit]] = frozenset({"tile", "slide"})
    supports: ClassVar[frozenset[Support]] = frozenset({"pixel", "tile"})

    @property
    def sign(self) -> str:
        """Magnitudes."""
        return "magnitudes count: the sign is dropped"

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the entropy; no direction, since a model without gradients can be simple too."""
        meaning = f"0 one pixel carries all, 1 all pixels equal; {self.sign}"
        return (
            ScoreInfo(name="entropy", direction="none", lower_bound=0.0, upper_bound=1.0, meaning=meaning),
        )

    def score_block(self, block: Block, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the entropy of each map."""
        entropy = relative_entropy(part.values.abs(), part.elements)
        return UnitScores(
            values={"entropy": entropy}, excluded={"the map is zero everywhere": entropy.isnan()}
        )
