"""Pixel AUC: do pixels on the mask rank above pixels off it?"""

from typing import ClassVar

import torch

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._crossing_tiles import CrossingTiles
from tasks.faithfulness._judging import MaskMetric
from tasks.faithfulness.base import Answers, AttributionBlock, RankingMetric, UnitScores
from tasks.functional.hits import auc_inside


class PixelAuc(MaskMetric, RankingMetric):
    """ROC-AUC over the tissue pixels of a tile: every pixel counts, not the highest alone.

    Judged where the mask crosses the tile's tissue; other tiles are excluded and counted. Ties count half,
    so a constant map scores chance, 0.5.
    """

    source: ClassVar[str] = (
        "Hanley and McNeil (1982); Fawcett (2006), doi 10.1016/j.patrec.2005.10.010; inside tissue and on "
        "crossing tiles alone is ours (design 6)"
    )

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the area."""
        meaning = f"how often a pixel on the mask ranks above one beside it, 0.5 by chance; {self.sign}"
        return self.auc_infos(meaning)

    def score_block(self, block: TileBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the area of each tile; NaN where the mask does not cross the tissue."""
        tiles = CrossingTiles.of(block, self.mask, self.against)
        auc = tiles.judged(auc_inside(self.ranked(part.maps).flatten(1), tiles.mask, tiles.inside))
        return UnitScores(
            values={"auc": auc},
            chance={"auc": torch.full_like(auc, 0.5)},
            excluded=tiles.excluded,
        )
