"""Sufficiency: the fewest tiles, in the order of the map, that are enough for the call of the slide."""

from typing import ClassVar, Literal

import torch

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.bag_block import BagBlock
from tasks.faithfulness._tile_calls import TileCallMetric, count_infos, first_count
from tasks.faithfulness.base import Answers, AttributionBlock, UnitScores


class Sufficiency(TileCallMetric):
    """Tiles enter an empty bag, the most relevant first, until the model calls it as it calls the slide.

    ``tiles`` is the first number at which it does, and ``share`` the share of the slide that is enough alone.
    More tiles may change the call again, before all of them restore it. One tile is tried first: a model
    whose answer to nothing is the explained class already needs at least one.
    """

    source: ClassVar[str] = (
        "Kaczmarzyk, Saltz and Koo (2024), arXiv:2409.03080 (sufficiency of tiles); numbers of tiles in the "
        "order of a map, and how they are counted, are ours"
    )
    first: ClassVar[Literal["morf", "lerf"]] = "lerf"

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the number of tiles and their share."""
        doing = "the fewest most relevant tiles that the model calls as it calls the slide"
        return count_infos("sufficient tiles", doing, self.sign)

    def score_block(self, block: BagBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the scores of each bag."""
        called, counts, excluded = self.calls(block, part, answers)
        left_out = torch.stack(list(excluded.values())).any(0)
        tiles = torch.where(left_out, torch.nan, first_count(called, counts))
        return UnitScores(values={"tiles": tiles, "share": tiles / block.elements.sum(1)}, excluded=excluded)
