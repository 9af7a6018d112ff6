"""Pointing game: does the highest pixel lie on the mask, or near it?"""

from dataclasses import replace
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._crossing_tiles import CrossingTiles
from tasks.faithfulness._judging import MaskMetric, fraction_scores
from tasks.faithfulness.base import Answers, AttributionBlock, RankingMetric, UnitScores
from tasks.functional.dilation import dilated
from tasks.functional.hits import fraction_of_top


class PointingGame(MaskMetric, RankingMetric):
    """Whether the highest tissue pixel lies within ``tolerance_px`` of the mask, and this beyond chance.

    Where several pixels share the maximum, the hit is the share of them that hit: what picking one of them
    at random gives on average, so a constant map scores chance. Chance is the share of the tissue within the
    tolerance, which grows with it. A tile without the mask on its tissue is no hit: it is excluded and
    counted, and so is one where the tolerance leaves no tissue to miss. The mask of neighbouring tiles is not
    seen.
    """

    source: ClassVar[str] = (
        "Zhang et al. (2018), arXiv:1608.00507 (pointing game, 15 px of a photograph); ties, inside tissue, "
        "and the correction (raw - chance) / (1 - chance) are ours"
    )

    tolerance_px: float = Field(default=3.0, ge=0)
    """Largest distance of a hit from the mask, in tile pixels; 0: on the mask."""

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the corrected and the raw hit."""
        return self.fraction_infos(
            corrected=f"0 as a random map on average, 1 a hit; {self.sign}",
            raw=f"1 a hit within {self.tolerance_px:g} px; chance is the share of the tissue there",
        )

    def score_block(self, block: TileBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return both; NaN where the mask does not cross the tissue, or its tolerance covers all of it."""
        exact = CrossingTiles.of(block, self.mask, self.against)
        near = replace(exact, mask=self._near(block, exact.mask) & exact.inside)
        one = torch.ones(len(part.maps), dtype=torch.int64, device=part.maps.device)
        raw = fraction_of_top(self.ranked(part.maps).flatten(1), near.mask, near.inside, one)
        return fraction_scores(raw, near.chance, _excluded(exact, near))

    def _near(self, block: TileBlock, mask: Tensor) -> Tensor:
        return dilated(mask.view_as(block.tissue), self.tolerance_px).flatten(1)


def _excluded(exact: CrossingTiles, near: CrossingTiles) -> dict[str, Tensor]:
    """Return bool [n] for each reason; the tolerance has its own reason."""
    full = near.excluded[near.full] & ~exact.excluded[exact.full]
    return exact.excluded | {"tolerance covers the rest of the tile's tissue": full}
