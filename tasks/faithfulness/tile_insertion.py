"""Tile insertion: how fast a slide's output returns when its most relevant tiles come first."""

from typing import ClassVar

import torch

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.bag_block import BagBlock
from tasks.faithfulness._removal_curves import Order
from tasks.faithfulness._tile_areas import OUTPUTS, TileAreaMetric
from tasks.faithfulness._tile_curves import UNRANKED
from tasks.faithfulness.base import Answers, AttributionBlock, UnitScores


class TileInsertion(TileAreaMetric):
    """Tiles enter an empty bag, the most relevant first.

    The bags are those of tile deletion with the least relevant first (LeRF), in reverse. So with equal
    settings the areas are equal and nothing is asked twice. It answers another question: whether few tiles
    are enough, read from the left end of its curve.
    """

    source: ClassVar[str] = (
        "Petsiuk, Das and Saenko (2018), arXiv:1806.07421; Hense et al. (2024), arXiv:2406.04280 (tiles of a "
        "bag); fixed counts and ties are ours"
    )
    orders: ClassVar[tuple[Order, ...]] = ("lerf",)

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the area of margin and probability."""
        return tuple(
            ScoreInfo(
                name=_NAMES[output],
                direction="higher",
                lower_bound=0.0 if output == "probability" else None,
                upper_bound=1.0 if output == "probability" else None,
                meaning=f"mean {output} of the {self.followed} while the most relevant tiles come first into "
                f"an empty bag; {self.sign}",
            )
            for output in OUTPUTS
        )

    def score_block(self, block: BagBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the areas and curves over the share of tiles that is in the bag."""
        areas = self.measured(block, part, answers)
        curves, axis = self.drawn_curves(areas)
        unranked = self.unranked(block, part)
        named = {name.replace("lerf", "insertion"): line.flip(1) for name, line in curves.items()}
        return UnitScores(
            values={
                _NAMES[output]: torch.where(unranked, torch.nan, areas.area("lerf", output))
                for output in OUTPUTS
            },
            chance={_NAMES[output]: areas.random_areas(output).mean(0) for output in OUTPUTS},
            curves={
                name: line if name.startswith("random") else torch.where(unranked[:, None], torch.nan, line)
                for name, line in named.items()
            },
            fractions=1 - axis.flip(0),
            excluded={UNRANKED: unranked},
        )


_NAMES = {"margin": "auc", "probability": "auc_probability"}
