"""Effective complexity: how much of the tile a map calls relevant at all."""

from typing import ClassVar

from pydantic import Field

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.block import Block
from tasks.faithfulness.base import Answers, AttributionBlock, Metric, UnitScores
from tasks.functional.spread import fraction_above
from tasks.samples.axes import ScoreUnit, Support


class EffectiveComplexity(Metric):
    """The share of pixels whose magnitude exceeds ``threshold`` times the largest of the map.

    It depends on the map's largest pixel, which grain changes, so compare maps of one kind. Nguyen and
    Martinez count as many features as the model needs to keep its output within a tolerance; that runs the
    model and is a removal metric here. This counts only. A map of zeros has no scale: it is excluded and
    counted.
    """

    source: ClassVar[str] = (
        "after Nguyen and Martinez (2020), arXiv:2007.07584 (effective complexity), in the counting form; a "
        "threshold relative to the map's largest value, and a share rather than a number, are ours"
    )
    units: ClassVar[frozenset[ScoreUnit]] = frozenset({"tile", "slide"})
    supports: ClassVar[frozenset[Support]] = frozenset({"pixel", "tile"})

    threshold: float = Field(default=0.1, ge=0, lt=1)
    """Pixels above this share of the largest magnitude count; 0 counts all that are not zero."""

    @property
    def sign(self) -> str:
        """Magnitudes."""
        return "magnitudes count: the sign is dropped"

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the share; no direction, since few pixels may be the wrong ones."""
        meaning = f"share of pixels above {self.threshold:g} of the largest; {self.sign}"
        return (ScoreInfo(name="share", direction="none", lower_bound=0.0, upper_bound=1.0, meaning=meaning),)

    def score_block(self, block: Block, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the share of each map."""
        share = fraction_above(part.values.abs(), self.threshold, part.elements)
        return UnitScores(values={"share": share}, excluded={"the map is zero everywhere": share.isnan()})
