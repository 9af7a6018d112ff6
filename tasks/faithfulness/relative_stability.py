"""Relative stability: how much a map changes for the change of its image, and for that of the output."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._draws import maximum_over, mean_over
from tasks.faithfulness._removal import CLEAN, clean_probe
from tasks.faithfulness._robustness import UNSPEAKING, RobustnessMetric, length
from tasks.faithfulness.base import Answers, AttributionBlock, Need, Probe, ProbeKey, UnitScores

TURNED = "no noisy copy keeps the predicted class"


class RelativeStability(RobustnessMetric):
    """The relative change of a map over that of its image (RIS), and over the change of the logits (ROS).

    Of a tile x with map e, over its noisy copies x' with maps e' that keep the predicted class::

        input   = || (e - e') / e || / || (x - x') / x ||
        output  = || (e - e') / e || / || h(x) - h(x') ||

    with Euclidean norms, quotients pixel by pixel and logits h. ``input_max`` and ``output_max`` are the
    published scores. Where a pixel is nearly zero its quotient is arbitrary, and one pixel could dominate the
    score. So values below ``floor`` x the root mean square of e (or of x) are raised to it. So the scale of a
    map does not matter. The denominators are at least ``epsilon``: an output that does not change leaves
    rounding only, which the quotient would amplify. The third score of the paper, over the change of an inner
    representation, is left out, since it depends on the choice of the layer.

    The copies are those of the other robustness metrics. A map of zeros has no score, nor has a tile none of
    whose copies keeps its class: NaN, excluded and counted.
    """

    source: ClassVar[str] = (
        "Agarwal et al. (2022), arXiv:2203.06877; normal noise, the mean over the copies, and a floor that "
        "follows the size of the map are ours"
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"attribution", "forward"})

    floor: float = Field(default=0.1, gt=0)
    """Smallest value that a pixel's change is divided by, over the root mean square of all pixels."""
    epsilon: float = Field(default=0.01, gt=0)
    """Smallest relative change of the image, and smallest change of the logits, that is divided by."""

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return both, the largest and the mean over the copies."""
        over = {"input": "the relative change of the image", "output": "the change of the logits"}
        return tuple(
            ScoreInfo(
                name=f"{name}_{end}",
                direction="lower",
                lower_bound=0.0,
                meaning=f"relative change of the map over {what}, {how} at noise of sigma {self.sigma:g}; "
                f"{self.sign}",
            )
            for name, what in over.items()
            for end, how in (("max", "at most"), ("mean", "on average"))
        )

    def probes(self, block: TileBlock, part: AttributionBlock) -> tuple[Probe, ...]:
        """Return the noisy copies, to be explained and to be answered, and the clean images."""
        (explained,) = super().probes(block, part)
        answered = Probe(key=self._answered(), count=explained.count, make=explained.make)
        return (explained, answered, clean_probe(block))

    def minimum_forward(self) -> int:
        """One image for each copy, and the clean one."""
        return self.samples + 1

    def score_block(self, block: TileBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the four scores and the errors that the draws leave in them."""
        logits, clean = answers[self._answered()], answers[CLEAN]
        keeps = logits.argmax(2) == clean.argmax(2)
        changes = self._change_of_maps(part, answers)
        below = {
            "input": self._change_of_images(block),
            "output": torch.stack([length(copy - clean[0]) for copy in logits]),
        }
        values, errors = {}, {}
        for name, change in below.items():
            ratio = torch.where(keeps, changes / change.clamp(min=self.epsilon), torch.nan)
            values[f"{name}_max"], errors[f"{name}_max"] = maximum_over(ratio)
            values[f"{name}_mean"], errors[f"{name}_mean"] = mean_over(ratio)
        silent = length(part.maps) == 0
        return UnitScores(
            values={name: torch.where(silent, torch.nan, value) for name, value in values.items()},
            errors={name: torch.where(silent, torch.nan, error) for name, error in errors.items()},
            excluded={UNSPEAKING: silent, TURNED: ~silent & ~keeps.any(0)},
        )

    def _change_of_maps(self, part: AttributionBlock, answers: Answers) -> Tensor:
        clean = self._compared(part.maps)
        least = self._floored(clean)
        return torch.stack(
            [length((self._compared(copy) - clean) / least) for copy in answers[self._key(part)]]
        )

    def _change_of_images(self, block: TileBlock) -> Tensor:
        least = self._floored(block.images)
        return torch.stack([length(self.noise(block, draw) / least) for draw in range(self.samples)])

    def _floored(self, values: Tensor) -> Tensor:
        """Return the magnitudes of n arrays, none below ``floor`` x the root mean square of its array."""
        flat = values.flatten(1)
        least = self.floor * flat.square().mean(1, keepdim=True).sqrt()
        return flat.abs().clamp(min=least).view_as(values)

    def _answered(self) -> ProbeKey:
        return ("answers to noisy copies", self.samples, self.sigma, self.seed)
