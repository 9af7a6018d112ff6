"""Faithfulness correlation: does the output drop more where the map says that more is removed?"""

from typing import ClassVar

import torch
from pydantic import Field

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._drops import correlation_infos
from tasks.faithfulness._subsets import SubsetMetric
from tasks.faithfulness.base import Answers, AttributionBlock, UnitScores


class FaithfulnessCorrelation(SubsetMetric):
    """Pearson's correlation, over random subsets of one size, of the map's sum there with the output's drop.

    On a linear network its expectation is the correlation, over pixels, of the map with the true
    contributions, for any size. A constant map and an output that does not move have no correlation: they are
    excluded and counted.
    """

    source: ClassVar[str] = (
        "Bhatt, Weller and Moura (2020), arXiv:2005.00631; the fills, the readings of a map and the error "
        "are ours"
    )

    fraction: float = Field(default=0.2, gt=0, lt=1)
    """Of the tile's pixels in each subset."""

    def sizes(self) -> tuple[float, ...]:
        """One size."""
        return (self.fraction,)

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the correlation."""
        meaning = (
            f"correlation of the drop of the {self.output} with the map's sum over the pixels removed, "
            f"{self.fraction:.4g} of them at random; 0 for a map that says nothing; {self.sign}"
        )
        return correlation_infos(meaning)

    def score_block(self, block: TileBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the correlation; NaN where it is undefined."""
        (removals,) = self.removals(block, part, answers)
        value, error = removals.correlation()
        return UnitScores(
            values={"correlation": value},
            chance={"correlation": torch.zeros_like(value)},
            errors={"correlation": error},
            excluded=removals.excluded(),
        )
