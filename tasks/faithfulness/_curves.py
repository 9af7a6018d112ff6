"""Removal curves of pixels: the images between a tile and its fill, computed once for all metrics."""

from functools import cache
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator
from torch import Tensor

from tasks.evidence.fill_pixels import FillPixels
from tasks.faithfulness._outputs import Output
from tasks.faithfulness._removal import CLEAN
from tasks.faithfulness._removal_curves import Order, RemovalCurves, ranks_of
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


class CurveMetric(RankingMetric):
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
    follows: Literal["target", "predicted"] = "target"
    """Whose output is traced: that of the explained class, or of the class predicted for the whole tile.

    ``predicted`` with ``labels: all`` asks on every tile whether pixels of large magnitude support the
    prediction. Only magnitudes can be scored so.
    """
    blur_px: float = Field(default=8.0, gt=0)
    """Standard deviation of the ``blur`` fill in tile pixels; without effect on the other fills."""
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _a_sign_has_one_class(self) -> Self:
        if self.follows == "predicted" and self.ranked_by == "signed":
            raise ValueError(
                f"{self.name} follows the predicted class by magnitudes alone; set ranked_by: magnitude"
            )
        return self

    @property
    def followed(self) -> str:
        """Whose output is traced, in words."""
        return "target" if self.follows == "target" else "class predicted for the whole tile"

    @property
    def asked(self) -> RemovalCurves:
        """The curves that are asked about."""
        remover = FillPixels(self.fill, self.blur_px)
        return RemovalCurves(remover, self.steps, self.orders, self.ranking_key())

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
        followed = block.targets if self.follows == "target" else answers[CLEAN][0].argmax(1)
        return self.asked.traced(followed, part.explainer_id, answers, order)

    def fractions(self, block: AnyBlock) -> Tensor:
        """Return float64 [steps + 1], the fraction of pixels removed at each step."""
        return self.asked.fractions(block)
