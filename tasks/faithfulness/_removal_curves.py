"""Removal curves over elements: the inputs between a sample and nothing, and the outputs along the way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor

from tasks.evidence.block import Block
from tasks.evidence.removal import Remover
from tasks.faithfulness._outputs import Output, outputs
from tasks.faithfulness._removal import CLEAN, clean_probe, empty_key, empty_probe, removal_probe
from tasks.faithfulness.base import Answers, Probe, ProbeKey
from tasks.functional.curves import ragged_step_counts, step_counts
from tasks.functional.ranking import descending_ranks, reversed_ranks, tie_keys

Order = Literal["morf", "lerf"]
"""Which elements go first: the most or the least relevant ones."""

OTHER: Mapping[Order, Order] = MappingProxyType({"morf": "lerf", "lerf": "morf"})
"""The order of the negative of a map, from the order of the map."""

_PURPOSE = "deletion"
_CURVE = "removal curve"


@dataclass(frozen=True)
class RemovalCurves:
    """Which inputs removal curves ask about, and how they are read from the answers.

    Both orders come from one ranking, so one is the other backwards. Both share the clean sample and the one
    without any element. The axis is the fraction of elements removed, from 0 to 1.

    Attributes:
        remover: how elements go.
        steps: elements go in so many equal steps, until none is left.
        orders: the curves that are wanted.
        ranking: what decides the ranking, beside the attribution.
    """

    remover: Remover
    steps: int
    orders: tuple[Order, ...]
    ranking: ProbeKey

    def probes(self, block: Block, explainer_id: str, ranks: Callable[[], Tensor]) -> tuple[Probe, ...]:
        """Return the clean samples, the empty ones, and the steps between of each order.

        ``ranks()`` gives [B, E], the position of each element when the most relevant go first, from 0.
        """
        return (
            clean_probe(block),
            empty_probe(block, self.remover),
            *(self._between(block, explainer_id, order, ranks) for order in self.orders),
        )

    def traced(
        self, targets: Tensor, explainer_id: str, answers: Answers, order: Order
    ) -> dict[Output, Tensor]:
        """Return the curve of each output of ``targets`` [B], float64 [B, steps + 1]."""
        return outputs(self.logits(explainer_id, answers, order), targets)

    def logits(self, explainer_id: str, answers: Answers, order: Order) -> Tensor:
        """Return the logits [steps + 1, B, K] from the whole sample to the empty one."""
        between = answers[self._key(explainer_id, order)]
        return torch.cat([answers[CLEAN], between, answers[empty_key(self.remover)]])

    def counts(self, block: Block) -> Tensor:
        """Return int64 [steps + 1, B], or [steps + 1, 1] if all are alike: how many elements have gone."""
        if block.elements is None:
            return step_counts(block.element_count, self.steps)[:, None]
        return ragged_step_counts(block.elements.sum(1), self.steps)

    def fractions(self, block: Block) -> Tensor:
        """Return float64 [B, steps + 1], or [steps + 1] if all are alike: the fraction that has gone."""
        counts = self.counts(block)
        fractions = (counts.double() / counts[-1]).to(block.keys.device)
        return fractions[:, 0] if block.elements is None else fractions.T

    def minimum_forward(self) -> int:
        """Two ends that the curves share, and the steps between for each."""
        return 2 + len(self.orders) * (self.steps - 1)

    def _between(self, block: Block, explainer_id: str, order: Order, ranks: Callable[[], Tensor]) -> Probe:
        counts = self.counts(block)[1:-1]

        def removed(steps: slice) -> Tensor:
            going = ranks() if order == "morf" else reversed_ranks(ranks(), block.elements)
            return going < counts[steps, :, None].to(going.device)

        key = self._key(explainer_id, order)
        return removal_probe(block, self.remover, key, len(counts), removed)

    def _key(self, explainer_id: str, order: Order) -> ProbeKey:
        return (_CURVE, explainer_id, order, *self.ranking, self.steps, *empty_key(self.remover))


def ranks_of(block: Block, values: Tensor, seed: int, purpose: str = _PURPOSE) -> Tensor:
    """Return int64 [B, E], the position of each element when the highest of ``values`` [B, E] go first.

    Ties are broken by (seed, key of the sample, purpose) alone.
    """
    ties = tie_keys(seed, block.keys, purpose, values.shape[1])
    return descending_ranks(values, ties, block.elements)
