"""Removal curves of pixels: the images between a tile and its fill, computed once for all metrics."""

from functools import cache
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from tasks.evidence.fill_pixels import FillPixels
from tasks.faithfulness._following import FollowingMetric
from tasks.faithfulness._outputs import Output, outputs
from tasks.faithfulness._removal_curves import OTHER, Order, RemovalCurves, ranks_of
from tasks.faithfulness.base import (
    Answers,
    AnyBlock,
    AttributionBlock,
    Need,
    Probe,
    ProbeKey,
    RankingMetric,
)
from tasks.functional.fills import Fill
from tasks.samples.axes import Removal


class CurveMetric(FollowingMetric, RankingMetric):
    """Traces the output while a fill replaces pixels, most (MoRF) or least relevant first (LeRF).

    Whole pixels go, all channels at once, until only the fill is left. Both orders come from one ranking with
    seeded ties, so one is the reverse of the other, and both share the clean and the fully removed image. The
    axis is the fraction of pixels removed, 0 to 1. Probability, margin and logit come from the same forward
    pass. The probes depend on the map, ``ranked_by``, fill, steps and seed alone: metrics with equal values
    of these use the same images, which go through the model once.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"forward"})
    removal: ClassVar[Removal | None] = "fill_pixels"
    orders: ClassVar[tuple[Order, ...]] = ("morf", "lerf")
    """The curves that the metric reads."""

    fill: Fill = "white"
    steps: int = Field(default=16, ge=2)
    """Number of equal steps in which the pixels go."""
    output: Output = "probability"
    """Which of the three outputs is scored."""
    blur_px: float = Field(default=8.0, gt=0)
    """Standard deviation of the ``blur`` fill in tile pixels; without effect on the other fills."""
    seed: int = Field(default=0, ge=0)

    @property
    def asked(self) -> RemovalCurves:
        """The curves that are asked about."""
        remover = FillPixels(self.fill, self.blur_px)
        orders: tuple[Order, ...] = ("morf", "lerf") if self.turns else self.orders
        return RemovalCurves(remover, self.steps, orders, self.ranking_key())

    def probes(self, block: AnyBlock, part: AttributionBlock) -> tuple[Probe, ...]:
        """Return the clean image, the fully removed one and the steps between of each order."""

        # Computed on first use: of metrics with equal probes only one is run.
        @cache
        def ranks() -> Tensor:
            return self.ranks(block, part)

        return self.asked.probes(block, part.explainer_id, ranks)

    def ranks(self, block: AnyBlock, part: AttributionBlock) -> Tensor:
        """Return [n, E], the rank of each pixel, 0 for the most relevant."""
        return ranks_of(block, self.ranked(part.values), self.seed)

    def ranking_key(self) -> ProbeKey:
        """Return the key of :meth:`ranks`, besides the map."""
        return ("pixels", self.ranked_by, self.seed)

    def minimum_forward(self) -> int:
        """The two common ends, and the steps between for each curve."""
        return self.asked.minimum_forward()

    def traced(
        self, block: AnyBlock, part: AttributionBlock, answers: Answers, order: Order
    ) -> dict[Output, Tensor]:
        """Return the curve of each output, float64 [n, steps + 1], from the whole image to the fill."""
        return outputs(self.logits(block, part, answers, order), self.followed_classes(block, answers))

    def logits(self, block: AnyBlock, part: AttributionBlock, answers: Answers, order: Order) -> Tensor:
        """Return the logits [steps + 1, n, K]; of a turned map one order is the other."""
        logits = self.asked.logits(part.explainer_id, answers, order)
        if not self.turns:
            return logits
        other = self.asked.logits(part.explainer_id, answers, OTHER[order])
        return torch.where(self.turned(block, answers)[:, None], other, logits)

    def fractions(self, block: AnyBlock) -> Tensor:
        """Return float64 [steps + 1], the fraction of pixels removed at each step."""
        return self.asked.fractions(block)
