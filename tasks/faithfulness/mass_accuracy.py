"""Mass accuracy: how much of a map lies on the mask, beyond what chance gives?"""

from types import MappingProxyType
from typing import ClassVar, Literal

from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._crossing_tiles import CrossingTiles
from tasks.faithfulness._judging import MaskMetric, fraction_scores
from tasks.faithfulness.base import Answers, AttributionBlock, ByKind, UnitScores


class MassAccuracy(MaskMetric):
    """The share of the attribution on the tile's tissue that lies on the mask, corrected for chance.

    Judged where the mask crosses the tile's tissue, as rank accuracy is; there extreme pixels count once
    each, here by their value. On the mask ``artefact`` it says how much the model uses the pen. Neither
    direction is then better for the map.
    """

    source: ClassVar[str] = (
        "Arras, Osman and Samek (2022), arXiv:2003.07258 (relevance mass accuracy); inside tissue and the "
        "correction (raw - chance) / (1 - chance), chance the mask's share of the tissue, are ours"
    )

    by_kind: ClassVar[ByKind] = MappingProxyType(
        {"weighed_by": {"sensitivity": "magnitude", "contribution": "positive"}}
    )

    weighed_by: Literal["kind", "magnitude", "positive"] = "kind"
    """What has weight: the magnitude of every value, or the values that speak for the target. ``kind`` weighs
    sensitivities by magnitude, and of contributions the positive ones."""

    @property
    def sign(self) -> str:
        """Follows ``weighed_by``."""
        if self.weighed_by == "kind":
            return "sensitivities are weighed by magnitude, without their sign, and positive contributions"
        if self.weighed_by == "positive":
            return "positive values are weighed: those of negative sign weigh nothing"
        return "magnitudes are weighed: the sign is dropped"

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the corrected and the raw share; of an artefact neither end is better."""
        return self.fraction_infos(
            corrected=f"0 as a random map, 1 all on the mask; {self.sign}",
            raw=f"share on the mask; chance is the mask's share of {self.compared_with}",
        )

    def score_block(self, block: TileBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return both shares; NaN where the mask does not cross the tissue or nothing there has weight."""
        tiles = CrossingTiles.of(block, self.mask, self.against)
        weight = self._weighed(part.maps).flatten(1).double()
        on, off = (weight * tiles.mask).sum(1), (weight * (tiles.inside & ~tiles.mask)).sum(1)
        # A sum of the two parts, so that rounding gives no share above 1.
        total = on + off
        silent = tiles.crossing & (total == 0)
        reasons = tiles.excluded | {"no attribution on the tile's tissue": silent}
        return fraction_scores(on / total, tiles.chance, reasons)

    def _weighed(self, maps: Tensor) -> Tensor:
        return maps.abs() if self.weighed_by == "magnitude" else maps.clamp(min=0)
