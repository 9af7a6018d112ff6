"""Average sensitivity: how far a map moves, on average and at most, when noise is added to its image."""

from typing import ClassVar

import torch

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._draws import maximum_over, mean_over
from tasks.faithfulness._robustness import UNSPEAKING, RobustnessMetric, length
from tasks.faithfulness.base import Answers, AttributionBlock, UnitScores


class AverageSensitivity(RobustnessMetric):
    """The mean and the largest ||E(x) - E(x')|| / ||E(x)|| over noisy copies x' of a tile x.

    Euclidean norms; 0 for a map that does not change, about 1 for one that changes completely. See
    :class:`tasks.faithfulness._robustness.RobustnessMetric` for the copies.
    """

    source: ClassVar[str] = (
        "Yeh et al. (2019), arXiv:1901.09392 (the maximum); Bhatt, Weller and Moura (2020), arXiv:2005.00631 "
        "(the mean); normal noise in place of a ball, and the norm of the clean map below, are ours"
    )

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the mean and the largest of the same draws."""
        moves = f"the map moves, over its norm, at noise of sigma {self.sigma:g}; {self.sign}"
        return tuple(
            ScoreInfo(name=name, direction="lower", lower_bound=0.0, meaning=f"{how} {moves}")
            for name, how in (("average", "how far on average"), ("maximum", "how far at most"))
        )

    def score_block(self, block: TileBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return both, and the errors that the draws leave; NaN where the clean map is all zeros."""
        size = length(part.maps)
        moved = torch.where(size > 0, self.moved(part, answers) / size, torch.nan)
        return UnitScores(
            values={"average": moved.mean(0), "maximum": moved.amax(0)},
            errors={"average": mean_over(moved)[1], "maximum": maximum_over(moved)[1]},
            excluded={UNSPEAKING: size == 0},
        )
