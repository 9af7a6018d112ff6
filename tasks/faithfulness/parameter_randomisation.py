"""Model-parameter randomisation: how much of a map remains when layers are randomised."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tasks.artifacts.faithfulness_report import Rivals, ScoreInfo
from tasks.evidence.block import Block
from tasks.faithfulness._removal import clean_probe
from tasks.faithfulness._similarity import BOTH_SIGNS, excluded_maps, rank_similarity
from tasks.faithfulness.base import Answers, AttributionBlock, Metric, Need, Probe, ProbeKey, UnitScores
from tasks.functional.randomised_layers import layer_stages, randomised_layers
from tasks.samples.axes import ScoreUnit, Support


class ParameterRandomisation(Metric):
    """Spearman's rank correlation of the stored map with that of a network with randomised layers.

    Layers go in ``stages`` groups from the output down; see
    :func:`tasks.functional.randomised_layers.layer_stages`, and there what a fresh weight is. A map that
    does not change does not show what the network learned: an edge detector scores 1. A map that changes is
    not therefore faithful. Every explanation gets the same tile key, so an explainer's own noise is the same.

    A map must beat only the controls that see no network: one that holds an explainer (shuffled values, an
    untrained network) changes with the network as that explainer does, so being equalled by it means nothing.

    ``magnitude`` is the mean correlation of magnitudes over the stages. ``signed`` is the mean *size* of that
    of signed values: with two classes a redrawn output layer alone may turn a map upside down, which leaves
    its ranking as it was. Both curves keep the sign. The fresh weights are one draw for all tiles, so their
    error is common to all tiles and a mean over tiles does not reduce it. No error is given with a score; a
    second use with another seed shows it.

    Every stage runs the whole network. Caching the unchanged lower layers would save a seventh of one
    gradient, and nothing for explainers that average over draws. The cache would also have to hold for
    explainers that change weights, replace calls or add hooks.

    A stored map of one magnitude everywhere ranks nothing: NaN, excluded and counted, as is a tile where a
    randomised network's map is not finite. A randomised network's constant map has correlation 0.
    """

    source: ClassVar[str] = (
        "Adebayo et al. (2018), arXiv:1810.03292, with their rank correlations; layers in groups, the mean "
        "over the groups and the size of the signed correlation are ours"
    )
    units: ClassVar[frozenset[ScoreUnit]] = frozenset({"tile", "slide"})
    supports: ClassVar[frozenset[Support]] = frozenset({"pixel", "tile"})
    needs: ClassVar[frozenset[Need]] = frozenset({"attribution"})
    rivals: ClassVar[Rivals] = "blind"

    order: Literal["cascading", "independent"] = "cascading"
    """Whether the groups nearer to the output stay forgotten, or each group is forgotten alone."""
    stages: int = Field(default=4, ge=1)
    """Groups of layers, one map each; a network of fewer layers meets some of them twice."""
    seed: int = Field(default=0, ge=0)

    @property
    def sign(self) -> str:
        """Both ways."""
        return BOTH_SIGNS

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return mean and last stage, by magnitudes and by signed values."""
        ranked = (
            ("magnitude", "rank correlation of magnitudes", -1.0),
            ("signed", "size of the rank correlation of signed values", 0.0),
        )
        last = "every layer" if self.order == "cascading" else "the layers next to the input"
        networks = (
            ("", f"networks that forgot layers, {self.order}: the mean over {self.stages} stages"),
            ("_last", f"a network that forgot {last}"),
        )
        return tuple(
            ScoreInfo(
                name=name + end,
                direction="lower",
                lower_bound=lowest,
                upper_bound=1.0,
                meaning=f"{what} with the maps of {which}; {self.sign}",
            )
            for name, what, lowest in ranked
            for end, which in networks
        )

    def probes(self, block: Block, part: AttributionBlock) -> tuple[Probe, ...]:
        """Return the clean images, to be explained on the network of each stage."""
        clean = clean_probe(block)
        return tuple(
            Probe(
                key=self._key(part, stage),
                count=1,
                make=clean.make,
                explainer=part.explainer_id,
                within=self._forgetting(stage),
            )
            for stage in range(self.stages)
        )

    def minimum_explained(self) -> int:
        """One map for each stage; the clean one is stored."""
        return self.stages

    def score_block(self, block: Block, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the means, the last stage and both curves over the share of stages."""
        others = torch.cat([answers[self._key(part, stage)] for stage in range(self.stages)])
        magnitude = rank_similarity(part.maps.abs(), others.abs(), part.elements)
        signed = rank_similarity(part.maps, others, part.elements)
        excluded = excluded_maps(part.maps, others, part.elements)
        left_out = torch.stack(list(excluded.values())).any(0)
        values = {
            "magnitude": magnitude.mean(0),
            "magnitude_last": magnitude[-1],
            "signed": signed.abs().mean(0),
            "signed_last": signed[-1].abs(),
        }
        return UnitScores(
            values={name: torch.where(left_out, torch.nan, value) for name, value in values.items()},
            chance=_chance(part),
            curves={"magnitude": magnitude.T.contiguous(), "signed": signed.T.contiguous()},
            fractions=torch.arange(1, self.stages + 1, dtype=torch.float64) / self.stages,
            excluded=excluded,
        )

    def _range(self, stage: int) -> tuple[int, int]:
        """Return the first and the last group that are forgotten."""
        return (0, stage) if self.order == "cascading" else (stage, stage)

    def _forgetting(self, stage: int) -> Callable[[nn.Module], AbstractContextManager[object]]:
        first, last = self._range(stage)

        def within(network: nn.Module) -> AbstractContextManager[object]:
            groups = layer_stages(network, self.stages)[first : last + 1]
            names = dict.fromkeys(name for group in groups for name in group)
            return randomised_layers(network, tuple(names), self.seed)

        return within

    def _key(self, part: AttributionBlock, stage: int) -> ProbeKey:
        return ("forgotten layers", part.explainer_id, self.stages, self.seed, *self._range(stage))


def _chance(part: AttributionBlock) -> dict[str, Tensor]:
    """Return what maps in random order score: 0, and the mean size of a rank correlation of many elements."""
    values = part.values
    none = torch.zeros(len(values), dtype=torch.float64, device=values.device)
    if part.elements is None:
        size = none + math.sqrt(2 / (math.pi * max(1, values.shape[1] - 1)))
    else:
        size = (2 / (math.pi * (part.elements.sum(1).double() - 1).clamp(min=1))).sqrt()
    return {"magnitude": none, "magnitude_last": none, "signed": size, "signed_last": size}
