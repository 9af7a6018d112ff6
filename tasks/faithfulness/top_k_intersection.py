"""Top-k intersection: do the very highest pixels lie on the mask, beyond what chance gives?"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._crossing_tiles import CrossingTiles
from tasks.faithfulness._judging import MaskMetric, fraction_scores
from tasks.faithfulness.base import Answers, AttributionBlock, RankingMetric, UnitScores
from tasks.functional.hits import fraction_of_top


class TopKIntersection(MaskMetric, RankingMetric):
    """The share of the k highest tissue pixels on the mask, k a share of the tissue, corrected for chance.

    Where the mask is smaller than k, k is its size: otherwise no map could be perfect. Pixels that tie for
    the last rank count by their share on the mask, so a tie is not a hit by itself. Judged where the mask
    crosses the tile's tissue; other tiles are excluded and counted.
    """

    source: ClassVar[str] = (
        "after Theiner, Müller-Budack and Ewerth (2022), arXiv:2104.14995; k as a share, at most the mask's "
        "size, inside tissue, ties, and the correction (raw - chance) / (1 - chance) are ours"
    )

    top: float = Field(default=0.05, gt=0, le=1)
    """k as a fraction of the tile's tissue pixels, rounded, at least one pixel."""

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the corrected and the raw share."""
        return self.fraction_infos(
            corrected=f"0 as a random map, 1 all hits; {self.sign}",
            raw=f"share of hits; chance is the mask's share of {self.compared_with}",
        )

    def score_block(self, block: TileBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return both shares; NaN where the mask does not cross the tissue."""
        tiles = CrossingTiles.of(block, self.mask, self.against)
        values = self.ranked(part.maps).flatten(1)
        raw = fraction_of_top(values, tiles.mask, tiles.inside, self._looked_at(tiles))
        return fraction_scores(raw, tiles.chance, tiles.excluded)

    def _looked_at(self, tiles: CrossingTiles) -> Tensor:
        share = (self.top * tiles.inside.sum(1).double()).round().long()
        return torch.minimum(share, tiles.mask.sum(1)).clamp(min=1)
