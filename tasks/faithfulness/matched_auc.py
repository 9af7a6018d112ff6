"""Matched AUC: do pixels on the mask rank above equally dark ones off it?"""

from typing import ClassVar

import torch
from pydantic import Field

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._crossing_tiles import CrossingTiles
from tasks.faithfulness._judging import MaskMetric
from tasks.faithfulness.base import Answers, AttributionBlock, RankingMetric, UnitScores
from tasks.functional.colour import optical_density
from tasks.functional.matched_auc import matched_auc


class MatchedAuc(MaskMetric, RankingMetric):
    """ROC-AUC over the tissue pixels of a tile, in pairs that darkness cannot decide.

    Nuclei are dark, so a map of darkness lies on them without any network, and a plain AUC cannot tell such a
    map from one of the tumour. Here pairs are compared within strata of the optical density, summed over the
    channels, and within a stratum pairs whose pixel on the mask is darker and pairs whose pixel is lighter
    count half each. So the optical density itself scores exactly 0.5, and so does any rising or falling
    function of it. A map scores what it knows beyond darkness. See
    :func:`tasks.functional.matched_auc.matched_auc`.

    Judged where the mask crosses the tile's tissue. Other tiles, and tiles where darkness decides every pair,
    are excluded and counted.
    """

    source: ClassVar[str] = (
        "Hanley and McNeil (1982), within strata of a covariate as Janes and Pepe (2008); optical density as "
        "the covariate and the halves are ours"
    )

    strata: int = Field(default=10, ge=1)
    """Largest number of strata of the optical density, of equally many pixels but for ties."""

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the area."""
        meaning = (
            "how often a pixel on the mask ranks above an equally dark one beside it, 0.5 by chance and for "
            f"darkness itself; {self.sign}"
        )
        return self.auc_infos(meaning)

    def score_block(self, block: TileBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the area of each tile; NaN where no pair is left."""
        tiles = CrossingTiles.of(block, self.mask, self.against)
        darkness = optical_density(block.images).sum(1).flatten(1)
        values = self.ranked(part.maps).flatten(1)
        auc = tiles.judged(matched_auc(values, darkness, tiles.mask, tiles.inside, self.strata))
        return UnitScores(
            values={"auc": auc},
            chance={"auc": torch.full_like(auc, 0.5)},
            excluded=tiles.excluded | {"darkness decides every pair": tiles.crossing & auc.isnan()},
        )
