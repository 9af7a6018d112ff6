"""Removal curves: the images between a tile and its fill, computed once for all metrics that use them."""

from collections.abc import Callable
from functools import cache
from typing import ClassVar, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.block import Block
from tasks.faithfulness._removal import CLEAN, clean_probe, fill_key, filled_block, removal_images
from tasks.faithfulness.base import Answers, MapBlock, Need, Probe, ProbeKey, RankingMetric
from tasks.functional.curves import step_counts
from tasks.functional.fills import Fill
from tasks.functional.gradients import target_margin
from tasks.functional.ranking import descending_ranks, tie_keys

Output = Literal["probability", "margin", "logit"]
Order = Literal["morf", "lerf"]
"""Which pixels go first: the most or the least relevant."""

_PURPOSE = "deletion"
_STILL = 1e-6
"""Of the largest logit: float32 resolves a sixteenth of it."""
_CURVE = "removal curve"


class CurveMetric(RankingMetric):
    """Traces the output while a fill replaces pixels, most (MoRF) or least relevant first (LeRF).

    Whole pixels go, all channels at once, until only the fill is left. Both orders come from one ranking with
    seeded ties, so one is the reverse of the other, and both share the clean and the fully removed image. The
    axis is the fraction of pixels removed, 0 to 1. Probability, margin and logit come from the same forward
    pass. The probes depend on the map, ``ranked_by``, fill, steps and seed alone: metrics with equal values
    of these use the same images, which go through the model once.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"forward"})
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

    def probes(self, block: Block, part: MapBlock) -> tuple[Probe, ...]:
        """Return the clean image, the fully removed one and the steps between of each order."""

        # Computed on first use: of metrics with equal probes only one is run.
        @cache
        def ranks() -> Tensor:
            return self.ranks(block, part.maps)

        return (
            clean_probe(block),
            Probe(key=self._gone(), count=1, make=lambda _steps: self._filled(block)[None]),
            *(self._between(block, part, order, ranks) for order in self.orders),
        )

    def ranks(self, block: Block, maps: Tensor) -> Tensor:
        """Return [n, H * W], the rank of each pixel, 0 for the most relevant."""
        values = self.ranked(maps).flatten(1)
        return descending_ranks(values, tie_keys(self.seed, block.keys, _PURPOSE, values.shape[1]))

    def ranking_key(self) -> ProbeKey:
        """Return the key of :meth:`ranks`, besides the map."""
        return ("pixels", self.ranked_by, self.seed)

    def minimum_forward(self) -> int:
        """The two common ends, and the steps between for each curve."""
        return 2 + len(self.orders) * (self.steps - 1)

    def traced(self, block: Block, part: MapBlock, answers: Answers, order: Order) -> dict[Output, Tensor]:
        """Return the curve of each output, float64 [n, steps + 1], from the whole image to the fill."""
        followed = block.targets if self.follows == "target" else answers[CLEAN][0].argmax(1)
        return outputs(self.logits(part, answers, order), followed)

    def logits(self, part: MapBlock, answers: Answers, order: Order) -> Tensor:
        """Return the logits [steps + 1, n, K] from the whole image to the fill."""
        return torch.cat([answers[CLEAN], answers[self._key(part, order)], answers[self._gone()]])

    def counts(self, block: Block) -> Tensor:
        """Return int64 [steps + 1] on the host: how many pixels are removed at each step."""
        return step_counts(block.images[0, 0].numel(), self.steps)

    def fractions(self, block: Block) -> Tensor:
        """Return float64 [steps + 1], the fraction of pixels removed at each step."""
        counts = self.counts(block)
        return (counts.double() / counts[-1]).to(block.images.device)

    def _between(self, block: Block, part: MapBlock, order: Order, ranks: Callable[[], Tensor]) -> Probe:
        counts = self.counts(block)[1:-1]

        def make(steps: slice) -> Tensor:
            going = ranks() if order == "morf" else ranks().shape[1] - 1 - ranks()
            return removal_images(block, self._filled(block), going, counts[steps])

        return Probe(key=self._key(part, order), count=len(counts), make=make)

    def _filled(self, block: Block) -> Tensor:
        return filled_block(block, self.fill, self.blur_px)

    def _gone(self) -> ProbeKey:
        return ("gone", *fill_key(self.fill, self.blur_px))

    def _key(self, part: MapBlock, order: Order) -> ProbeKey:
        return (_CURVE, part.explainer_id, order, *self.ranking_key(), self.steps, *self._gone())


def outputs(logits: Tensor, targets: Tensor) -> dict[Output, Tensor]:
    """Return float64 [n, S] of each output from logits [S, n, K]: one forward serves all three."""
    steps, count = logits.shape[:2]
    flat = logits.double().flatten(0, 1)
    target = targets.repeat(steps)
    values: dict[Output, Tensor] = {
        "probability": flat.softmax(1).gather(1, target[:, None]).squeeze(1),
        "margin": target_margin(flat, target),
        "logit": flat.gather(1, target[:, None]).squeeze(1),
    }
    return {name: value.view(steps, count).T.contiguous() for name, value in values.items()}


_ORDERS: tuple[tuple[str, Literal["higher", "lower"], str], ...] = (
    ("morf", "lower", "most"),
    ("lerf", "higher", "least"),
)


def area_infos(area: str, bounded: bool, suffix: str = "") -> tuple[ScoreInfo, ...]:
    """Return gap, MoRF and LeRF area.

    Args:
        area: the meaning of an area, with ``%s`` where ``most`` or ``least`` goes.
        bounded: whether the curve lies between 0 and 1.
        suffix: of the names, such as ``_accuracy``.
    """
    lowest, highest = (0.0, 1.0) if bounded else (None, None)
    return (
        ScoreInfo(
            name=gap_of(suffix),
            direction="higher",
            lower_bound=-1.0 if bounded else None,
            upper_bound=highest,
            meaning="LeRF area less MoRF area; 0 for a map that says nothing",
        ),
        *(
            ScoreInfo(
                name=f"{order}{suffix}",
                direction=direction,
                lower_bound=lowest,
                upper_bound=highest,
                meaning=area % first,
            )
            for order, direction, first in _ORDERS
        ),
    )


def gap_of(suffix: str) -> str:
    """Return the name of the gap of two areas with this suffix."""
    return f"{suffix}_gap".strip("_")


def rounding_of(logits: Tensor, traced: Tensor, output: Output) -> Tensor:
    """Return float64 [n]: the difference below which an ``output`` [n, S] of logits [S, n, K] stays the same.

    The output of one image differs in its last bits with the batch size. A change of that size is not a
    change and must not be ranked. A probability near 0 or 1 has less rounding than its logits, by the slope
    of the softmax.
    """
    rounding = _STILL * logits.double().abs().amax((0, 2))
    return rounding * (traced * (1 - traced)).amax(1) if output == "probability" else rounding
