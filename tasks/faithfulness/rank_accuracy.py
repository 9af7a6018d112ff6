"""Rank accuracy: do the highest pixels lie on the mask, beyond what chance gives?"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.faithfulness._evidence import Block, MaskName
from tasks.faithfulness._judging import mask_direction
from tasks.faithfulness.base import Answers, MapBlock, Need, RankingMetric, Scores
from tasks.functional.blur import gaussian_blur
from tasks.functional.localisation import above_chance, rank_accuracy
from tasks.functional.ranking import tie_keys


class RankAccuracy(RankingMetric):
    """The share of the K highest tissue pixels on the mask, K its size, corrected for chance.

    Judged where the mask crosses the tile's tissue: a tile wholly inside or outside has nothing to tell
    apart, is excluded and counted.
    """

    source: ClassVar[str] = (
        "Arras, Osman and Samek (2022), arXiv:2003.07258 (relevance rank accuracy); inside tissue and the "
        "correction (raw - chance) / (1 - chance), chance the mask's share of the tissue, are ours"
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"mask"})

    labels: Literal["target", "all"] = "all"
    mask: MaskName = "annotation"
    smooth_px: float = Field(default=0.0, ge=0)
    """Standard deviation of a Gaussian, in tile pixels, that the ranked values are smoothed with; every map
    is, the controls too. 0 ranks single pixels, where gradients are grain; nuclei ask for a few pixels."""
    seed: int = Field(default=0, ge=0)

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the corrected and the raw accuracy."""
        corrected = f"0 as a random map, 1 all hits; {self.sign}"
        return (
            ScoreInfo(
                name="corrected", direction=mask_direction(self.mask), upper_bound=1.0, meaning=corrected
            ),
            ScoreInfo(
                name="raw",
                direction=mask_direction(self.mask),
                lower_bound=0.0,
                upper_bound=1.0,
                meaning="share of hits; chance is the mask's share of the tissue",
            ),
        )

    def score_block(self, block: Block, part: MapBlock, answers: Answers) -> Scores:
        """Return both accuracies; NaN where the mask does not cross the tissue."""
        mask, inside = block.mask(self.mask).flatten(1), block.tissue.flatten(1)
        values = self._smoothed(self.ranked(part.maps)).flatten(1)
        ties = tie_keys(self.seed, block.keys, self.name, values.shape[1])
        raw, chance = rank_accuracy(values, mask, inside, ties)
        hit, tissue = (mask & inside).any(1), inside.any(1)
        full = tissue & (mask | ~inside).all(1)
        crossing = hit & ~full
        raw, chance = (torch.where(crossing, value, torch.nan) for value in (raw, chance))
        return Scores(
            values={"corrected": above_chance(raw, chance), "raw": raw},
            chance={"corrected": torch.zeros_like(raw), "raw": chance},
            excluded={
                "no tissue in the tile": ~tissue,
                "no mask on the tile's tissue": tissue & ~hit,
                "mask covers all of the tile's tissue": full,
            },
        )

    def _smoothed(self, values: Tensor) -> Tensor:
        return gaussian_blur(values[:, None], self.smooth_px)[:, 0] if self.smooth_px else values
