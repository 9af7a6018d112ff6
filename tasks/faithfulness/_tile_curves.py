"""Removal curves of tiles: the bags along several orders, and the outputs of each."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tasks.evidence.bag_block import BagBlock
from tasks.evidence.block import Block
from tasks.evidence.drop_tiles import DropTiles
from tasks.faithfulness._following import FollowingMetric
from tasks.faithfulness._outputs import Output, outputs
from tasks.faithfulness.base import (
    Answers,
    AttributionBlock,
    Need,
    Probe,
    ProbeKey,
    RankingMetric,
)
from tasks.functional.pooled_curves import removal_logits
from tasks.functional.pooled_terms import PooledTerms
from tasks.samples.axes import Removal, ScoreUnit, Support
from tasks.samples.inputs import Inputs

Ranks = Callable[[], Tensor]
Within = Callable[[nn.Module], AbstractContextManager[object]]
Traced = dict[Output, Tensor]
"""The curve of each output, float64 [O, B, S + 1]."""

UNRANKED = "the map leaves tiles of the bag without a value"
_REMOVER = DropTiles()
_TILES: ProbeKey = ("tiles",)
_ENDS: ProbeKey = ("ends",)
ENDS: ProbeKey = (*_TILES, *_ENDS)
"""The key of the whole bags and the empty ones."""


@dataclass(frozen=True)
class TileCurves:
    """The bags between the whole one and none, along some orders.

    Attributes:
        counts: int64 [S + 1, B], how many tiles have left at each step, from 0 to all.
        name: what decides ``counts``, beside the bags.
        within: changes the network that is asked; None: as it is.
    """

    counts: Tensor
    name: ProbeKey
    within: Within | None = None

    def probes(self, block: BagBlock, key: ProbeKey, orders: int, ranks: Ranks) -> tuple[Probe, ...]:
        """Return the probes of the ends, which all orders share, and of the steps between.

        ``ranks()`` gives int64 [O, B, N], and ``orders`` is O.
        """
        between = len(self.counts) - 2

        def removed(steps: slice) -> Tensor:
            place = torch.arange(orders * between, device=block.keys.device)[steps]
            leaving = self.counts[1 + place % between][:, :, None]
            return ranks()[place // between] < leaving

        def answered(terms: PooledTerms) -> Tensor:
            # [S - 1, O, B, K] in the order in which networks are asked.
            return removal_logits(terms, ranks(), self.counts[1:-1]).transpose(0, 1).flatten(0, 1)

        return (
            self._ends(block),
            Probe(
                key=self._key(key),
                count=orders * between,
                make=lambda steps: _REMOVER.without(block, removed(steps)),
                within=self.within,
                pooled=answered,
            ),
        )

    def logits(self, answers: Answers, key: ProbeKey) -> Tensor:
        """Return float64 [S + 1, O, B, K]."""
        between = answers[self._key(key)].double()
        ends = answers[self._key(_ENDS)].double()
        steps = between.view(-1, len(self.counts) - 2, *between.shape[1:]).transpose(0, 1)
        whole, none = (end.expand_as(steps[0])[None] for end in ends)
        return torch.cat([whole, steps, none])

    def traced(self, answers: Answers, key: ProbeKey, targets: Tensor) -> Traced:
        """Return the curves of ``targets`` [B]."""
        logits = self.logits(answers, key)
        steps, orders, bags = logits.shape[:3]
        found = outputs(logits.flatten(1, 2), targets.repeat(orders))
        return {name: curve.view(orders, bags, steps) for name, curve in found.items()}

    def clean(self, answers: Answers) -> Tensor:
        """Return float64 [B, K]: the logits of the whole bags."""
        return answers[self._key(_ENDS)][0].double()

    @property
    def fractions(self) -> Tensor:
        """Float64 [B, S + 1]: the share of tiles that has left."""
        return (self.counts.double() / self.counts[-1].clamp(min=1)).T

    def _ends(self, block: BagBlock) -> Probe:
        def made(steps: slice) -> Inputs:
            none = torch.tensor([False, True], device=block.keys.device)[steps]
            return _REMOVER.without(block, none[:, None, None])

        def answered(terms: PooledTerms) -> Tensor:
            double = PooledTerms(*(each.double() for each in terms))
            return torch.stack([double.logits, double.bias.expand_as(double.logits)])

        return Probe(self._key(_ENDS), 2, made, within=self.within, pooled=answered)

    def _key(self, key: ProbeKey) -> ProbeKey:
        # The ends are those of any counts.
        return ENDS if key == _ENDS and self.within is None else (*_TILES, *self.name, *key)


class TileMetric(FollowingMetric, RankingMetric):
    """Takes tiles out of bags in the order of a map."""

    units: ClassVar[frozenset[ScoreUnit]] = frozenset({"slide"})
    supports: ClassVar[frozenset[Support]] = frozenset({"tile"})
    removal: ClassVar[Removal | None] = "drop_tiles"
    needs: ClassVar[frozenset[Need]] = frozenset({"forward"})

    steps: Literal["all"] | Annotated[int, Field(ge=2)] = 32
    """Number of steps in which tiles leave, or ``all`` for one tile a step, which only costs nothing on
    models that pool."""
    seed: int = Field(default=0, ge=0)

    @property
    def step_count(self) -> int | None:
        """The number of steps; None: one tile a step."""
        return None if self.steps == "all" else self.steps

    def map_key(self, part: AttributionBlock, order: str) -> ProbeKey:
        """Return what decides the orders of a map."""
        return (part.explainer_id, order, self.ranked_by, self.seed)

    def followed_classes(self, block: Block, answers: Answers) -> Tensor:
        """Return int64 [B], the class whose output is traced in each bag."""
        return block.targets if self.follows == "target" else answers[ENDS][0].argmax(1)

    def unranked(self, block: BagBlock, part: AttributionBlock) -> Tensor:
        """Return bool [B]: whether a tile has no value, so that the map ranks nothing."""
        return (part.values.isnan() & block.elements).any(1)
