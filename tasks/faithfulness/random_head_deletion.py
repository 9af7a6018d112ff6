"""Random head deletion: the curves of a map on a network that never learned what it explains."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cache, partial
from types import MappingProxyType
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tasks.artifacts.faithfulness_report import Rivals, ScoreInfo
from tasks.evidence.bag_block import BagBlock
from tasks.faithfulness._draws import mean_over
from tasks.faithfulness._outputs import Output
from tasks.faithfulness._tile_counts import even_counts
from tasks.faithfulness._tile_curves import UNRANKED, TileCurves, TileMetric
from tasks.faithfulness._tile_orders import map_ranks
from tasks.faithfulness.base import Answers, AttributionBlock, Probe, UnitScores
from tasks.functional.curves import area_under
from tasks.functional.randomised_layers import layer_stages, randomised_layers

Layers = Literal["all", "last"]


class RandomHeadDeletion(TileMetric):
    """SRG of the map, measured on the slide model with fresh weights.

    The features stay: what is forgotten is all behind the encoder, or its last layer alone. A map explains
    the network that it was made for. Its SRG on others should lie around 0, as theirs know nothing of it. One
    far from 0 says that any network answers to these tiles, for instance as their features are extreme: then
    the SRG on the trained network is not evidence of what that one learned.
    """

    source: ClassVar[str] = (
        "Adebayo et al. (2018), arXiv:1810.03292 (fresh weights); Bluecher, Vielhaben and Strodthoff (2024), "
        "arXiv:2401.06654 (SRG); removal on the fresh network is ours"
    )
    rivals: ClassVar[Rivals] = "blind"

    layers: Layers = "all"
    """Which layers of the slide model get fresh weights."""
    draws: int = Field(default=8, ge=2)
    """Fresh networks."""

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the mean SRG and its size."""
        which = f"on {self.draws} networks with fresh weights in {self.layers} layers"
        return (
            ScoreInfo(
                name="srg",
                direction="none",
                meaning=f"LeRF minus MoRF area of the margin {which}; around 0 for a map of another network; "
                f"{self.sign}",
            ),
            ScoreInfo(
                name="srg_probability",
                direction="none",
                lower_bound=-1.0,
                upper_bound=1.0,
                meaning=f"the same of the probability; {self.sign}",
            ),
        )

    def probes(self, block: BagBlock, part: AttributionBlock) -> tuple[Probe, ...]:
        """Return the bags along the map, of every fresh network."""

        @cache
        def ranks() -> Tensor:
            return torch.stack(map_ranks(block, self.ranked(part.values), self.seed))

        return tuple(
            probe
            for draw in range(self.draws)
            for probe in self._curves(block, draw).probes(block, self.map_key(part, "both"), 2, ranks)
        )

    def minimum_forward(self) -> int:
        """Of every network two ends and the steps between; of one tile a step, the ends alone."""
        between = 0 if self.step_count is None else self.step_count - 1
        return self.draws * (2 + 2 * between)

    def score_block(self, block: BagBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the mean over the fresh networks, with its error."""
        unranked = self.unranked(block, part)
        gaps: dict[str, list[Tensor]] = {name: [] for name in _NAMES.values()}
        for draw in range(self.draws):
            curves = self._curves(block, draw)
            traced = curves.traced(answers, self.map_key(part, "both"), block.targets)
            for output, name in _NAMES.items():
                morf, lerf = area_under(traced[output], curves.fractions)
                gaps[name].append(lerf - morf)
        found = {name: mean_over(torch.stack(each)) for name, each in gaps.items()}
        return UnitScores(
            values={name: torch.where(unranked, torch.nan, mean) for name, (mean, _) in found.items()},
            chance={name: torch.zeros_like(mean) for name, (mean, _) in found.items()},
            errors={name: torch.where(unranked, torch.nan, error) for name, (_, error) in found.items()},
            excluded={UNRANKED: unranked},
        )

    def _curves(self, block: BagBlock, draw: int) -> TileCurves:
        counts = even_counts(block.elements.sum(1), self.step_count, block.element_count)
        name = ("even", self.steps, "fresh", self.layers, self.seed, draw)
        return TileCurves(counts, name, partial(_fresh, self.layers, self.seed + draw))


def _fresh(layers: Layers, seed: int, network: nn.Module) -> AbstractContextManager[object]:
    groups = layer_stages(network, 1 if layers == "all" else _MANY)
    return randomised_layers(network, groups[0], seed)


_NAMES: Mapping[Output, str] = MappingProxyType({"margin": "srg", "probability": "srg_probability"})
_MANY = 10_000
"""More stages than a slide model has layers: the first stage is then its last layer alone."""
