"""Faithfulness estimate: do the squares that matter to the map matter to the output, one at a time?"""

from typing import ClassVar

import torch

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._drops import INDIFFERENT, UNMOVED, ReadingMetric, alike, correlation_infos
from tasks.faithfulness._squares import SquareMetric, square_sums
from tasks.faithfulness.base import Answers, AttributionBlock, UnitScores
from tasks.functional.jackknife import pearson


class FaithfulnessEstimate(SquareMetric, ReadingMetric):
    """Pearson's correlation, over squares of a grid, of the map's sum in a square with the drop without it.

    Nothing is drawn at random. A constant map, a map of equal sums and an output that does not move have no
    correlation: they are excluded and counted. With equal fill and squares it uses the same images as
    ``non_sensitivity``.
    """

    source: ClassVar[str] = (
        "Alvarez-Melis and Jaakkola (2018), arXiv:1806.07538 (faithfulness, one feature removed at a time); "
        "squares in place of pixels, the fills and the readings of a map are ours"
    )

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the correlation."""
        meaning = (
            f"correlation of the drop of the {self.output} without a square with the map's sum in it, over "
            f"{self.squares**2} squares; 0 for a map that says nothing; {self.sign}"
        )
        return correlation_infos(meaning)

    def score_block(self, block: TileBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the correlation; NaN where it is undefined."""
        traced = self.traced(block, answers, self.squares_key())
        sums = square_sums(self.read(block, part.maps, answers), self.squares)
        # Squares of unequal sizes would give a constant map sums that differ.
        flat = alike(sums) | alike(part.maps.flatten(1).T)
        value, _ = pearson(sums, traced.drops)
        value = torch.where(traced.unmoved | flat, torch.nan, value)
        return UnitScores(
            values={"correlation": value},
            chance={"correlation": torch.zeros_like(value)},
            excluded={UNMOVED: traced.unmoved, INDIFFERENT: flat & ~traced.unmoved},
        )
