"""Rank accuracy: do the highest pixels lie on the mask, beyond what chance gives?"""

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._crossing_tiles import CrossingTiles
from tasks.faithfulness._judging import MaskMetric, fraction_scores
from tasks.faithfulness.base import Answers, AttributionBlock, RankingMetric, UnitScores
from tasks.functional.blur import gaussian_blur
from tasks.functional.localisation import rank_accuracy
from tasks.functional.ranking import tie_keys


class RankAccuracy(MaskMetric, RankingMetric):
    """The share of the K highest tissue pixels on the mask, K its size, corrected for chance.

    Judged where the mask crosses the tile's tissue: a tile wholly inside or outside is excluded and counted.
    """

    source: ClassVar[str] = (
        "Arras, Osman and Samek (2022), arXiv:2003.07258 (relevance rank accuracy); inside tissue and the "
        "correction (raw - chance) / (1 - chance), chance the mask's share of the tissue, are ours"
    )

    smooth_px: float = Field(default=0.0, ge=0)
    """Standard deviation of a Gaussian, in tile pixels, that smooths the ranked values of every map, the
    controls included. 0 ranks single pixels, where gradients are grainy; nuclei need a few pixels."""
    seed: int = Field(default=0, ge=0)

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the corrected and the raw accuracy."""
        return self.fraction_infos(
            corrected=f"0 as a random map, 1 all hits; {self.sign}",
            raw=f"share of hits; chance is the mask's share of {self.compared_with}",
        )

    def score_block(self, block: TileBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return both accuracies; NaN where the mask does not cross the tissue."""
        tiles = CrossingTiles.of(block, self.mask, self.against)
        values = self._smoothed(self.ranked(part.maps)).flatten(1)
        ties = tie_keys(self.seed, block.keys, self.name, values.shape[1])
        raw, chance = rank_accuracy(values, tiles.mask, tiles.inside, ties)
        return fraction_scores(raw, chance, tiles.excluded)

    def _smoothed(self, values: Tensor) -> Tensor:
        return gaussian_blur(values[:, None], self.smooth_px)[:, 0] if self.smooth_px else values
