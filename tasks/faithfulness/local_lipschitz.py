"""Local Lipschitz estimate: the largest change of a map per unit change of its image."""

from typing import ClassVar

import torch

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._draws import maximum_over
from tasks.faithfulness._robustness import UNSPEAKING, RobustnessMetric, length
from tasks.faithfulness.base import Answers, AttributionBlock, UnitScores


class LocalLipschitz(RobustnessMetric):
    """The largest ||E(x) - E(x')|| / ||x - x'|| over noisy copies x' of a tile x, Euclidean norms.

    ``estimate`` is in the units of the map, so it shrinks with the scale of an explainer or of a network's
    gradients; ``relative`` divides it by ||E(x)||, and can be compared across explainers. See
    :class:`tasks.faithfulness._robustness.RobustnessMetric` for the copies.
    """

    source: ClassVar[str] = (
        "Alvarez-Melis and Jaakkola (2018), arXiv:1806.08049, by a finite sample as in the robustness column "
        "of Bykov et al. (2022), arXiv:2106.10185; the relative form is ours"
    )

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the estimate as it is and relative to the map."""
        most = f"most that the map moves a unit of image noise, sigma {self.sigma:g}; {self.sign}"
        return tuple(
            ScoreInfo(name=name, direction="lower", lower_bound=0.0, meaning=meaning)
            for name, meaning in (("estimate", most), ("relative", f"{most}; over the norm of the map"))
        )

    def score_block(self, block: TileBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return both, and the errors that the draws leave; NaN where the clean map is all zeros."""
        size = length(part.maps)
        noise = torch.stack([length(self.noise(block, draw)) for draw in range(self.samples)])
        highest, error = maximum_over(self.moved(part, answers) / noise)
        return UnitScores(
            values={
                "estimate": torch.where(size > 0, highest, torch.nan),
                "relative": torch.where(size > 0, highest / size, torch.nan),
            },
            errors={
                "estimate": torch.where(size > 0, error, torch.nan),
                "relative": torch.where(size > 0, error / size, torch.nan),
            },
            excluded={UNSPEAKING: size == 0},
        )
