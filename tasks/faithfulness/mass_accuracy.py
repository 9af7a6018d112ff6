"""Mass accuracy: how much of a map lies on the mask, beyond what chance gives?"""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.faithfulness._evidence import Block, MaskName
from tasks.faithfulness._judging import mask_direction
from tasks.faithfulness.base import Answers, MapBlock, Metric, Need, Scores
from tasks.functional.localisation import above_chance


class MassAccuracy(Metric):
    """The share of the attribution on the tile's tissue that lies on the mask, corrected for chance.

    Judged where the mask crosses the tile's tissue, as rank accuracy is; there a few extreme pixels count as
    one each, here by what they weigh. On the mask ``artefact`` it says how much the model looks at the pen:
    neither end is then better, since a low share is no merit of a map.
    """

    source: ClassVar[str] = (
        "Arras, Osman and Samek (2022), arXiv:2003.07258 (relevance mass accuracy); inside tissue and the "
        "correction (raw - chance) / (1 - chance), chance the mask's share of the tissue, are ours"
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"mask"})

    labels: Literal["target", "all"] = "all"
    mask: MaskName = "annotation"
    weighed_by: Literal["magnitude", "positive"] = "magnitude"
    """What has weight: the magnitude of every value, or the values that speak for the target."""

    @property
    def sign(self) -> str:
        """Follows ``weighed_by``."""
        if self.weighed_by == "positive":
            return "positive values are weighed: those of negative sign weigh nothing"
        return "magnitudes are weighed: the sign is dropped"

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the corrected and the raw share; of an artefact neither end is better."""
        direction = mask_direction(self.mask)
        return (
            ScoreInfo(
                name="corrected",
                direction=direction,
                upper_bound=1.0,
                meaning=f"0 as a random map, 1 all on the mask; {self.sign}",
            ),
            ScoreInfo(
                name="raw",
                direction=direction,
                lower_bound=0.0,
                upper_bound=1.0,
                meaning="share on the mask; chance is the mask's share of the tissue",
            ),
        )

    def score_block(self, block: Block, part: MapBlock, answers: Answers) -> Scores:
        """Return both shares; NaN where the mask does not cross the tissue or nothing there has weight."""
        inside = block.tissue.flatten(1)
        mask = block.mask(self.mask).flatten(1) & inside
        weight = self._weighed(part.maps).flatten(1).double()
        on, off = (weight * mask).sum(1), (weight * (inside & ~mask)).sum(1)
        # As a sum of the two parts: rounding then leaves no share above 1.
        raw, chance = on / (on + off), mask.sum(1).double() / inside.sum(1)
        excluded = _excluded(mask, inside, on + off)
        left_out = torch.stack(list(excluded.values())).any(0)
        raw, chance = (torch.where(left_out, torch.nan, value) for value in (raw, chance))
        return Scores(
            values={"corrected": above_chance(raw, chance), "raw": raw},
            chance={"corrected": torch.zeros_like(raw), "raw": chance},
            excluded=excluded,
        )

    def _weighed(self, maps: Tensor) -> Tensor:
        return maps.abs() if self.weighed_by == "magnitude" else maps.clamp(min=0)


def _excluded(mask: Tensor, inside: Tensor, total: Tensor) -> dict[str, Tensor]:
    """Return bool [n] for each reason; a tile has one reason at most."""
    tissue, hit = inside.any(1), mask.any(1)
    full = tissue & (mask | ~inside).all(1)
    return {
        "no tissue in the tile": ~tissue,
        "no mask on the tile's tissue": tissue & ~hit,
        "mask covers all of the tile's tissue": full,
        "no attribution on the tile's tissue": hit & ~full & (total == 0),
    }
