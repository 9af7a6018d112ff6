"""Necessity: the fewest tiles, in the order of the map, without which the slide is called otherwise."""

from typing import ClassVar, Literal

import torch

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.bag_block import BagBlock
from tasks.faithfulness._tile_calls import TileCallMetric, count_infos, first_count
from tasks.faithfulness.base import Answers, AttributionBlock, UnitScores

NEVER = "no removal changes the call, not even that of all tiles"


class Necessity(TileCallMetric):
    """Tiles leave the bag, the most relevant first, until the model calls the slide otherwise.

    ``tiles`` is the first number at which it does. The last bag is empty: a model whose answer to nothing is
    the explained class may never change its call, and then there is no number.
    """

    source: ClassVar[str] = (
        "Kaczmarzyk, Saltz and Koo (2024), arXiv:2409.03080 (necessity of tiles); numbers of tiles in the "
        "order of a map, and how they are counted, are ours"
    )
    first: ClassVar[Literal["morf", "lerf"]] = "morf"

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the number of tiles and their share."""
        doing = "the fewest most relevant tiles without which the model calls the slide otherwise"
        return count_infos("necessary tiles", doing, self.sign)

    def score_block(self, block: BagBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the scores of each bag."""
        called, counts, excluded = self.calls(block, part, answers)
        tiles = first_count(~called, counts)
        left_out = torch.stack(list(excluded.values())).any(0)
        tiles = torch.where(left_out, torch.nan, tiles)
        return UnitScores(
            values={"tiles": tiles, "share": tiles / block.elements.sum(1)},
            excluded={**excluded, NEVER: tiles.isnan() & ~left_out},
        )
