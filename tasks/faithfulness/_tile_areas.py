"""The curves of a map of tiles and of random orders, with the areas under them."""

from dataclasses import dataclass
from functools import cache, partial
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from tasks.evidence.bag_block import BagBlock
from tasks.faithfulness._outputs import Output
from tasks.faithfulness._removal_curves import OTHER, Order
from tasks.faithfulness._tile_counts import distinct_mean, even_counts, on_axis
from tasks.faithfulness._tile_curves import TileCurves, TileMetric, Traced
from tasks.faithfulness._tile_orders import map_ranks, random_ranks
from tasks.faithfulness.base import Answers, AttributionBlock, Probe
from tasks.functional.curves import area_under

AXIS = 32
"""Steps of the common axis of stored curves, where a metric takes one tile a step."""


class TileAreaMetric(TileMetric):
    """Traces curves over even counts, beside those of random orders."""

    orders: ClassVar[tuple[Order, ...]] = ("morf", "lerf")
    """The curves that are read."""

    random_orders: int = Field(default=20, ge=2, multiple_of=2)
    """Random orders that every curve is compared with, the same for all maps of a bag."""

    def curves(self, block: BagBlock) -> TileCurves:
        """Return the curves that are asked about."""
        counts = even_counts(block.elements.sum(1), self.step_count, block.element_count)
        return TileCurves(counts, ("even", self.steps))

    def probes(self, block: BagBlock, part: AttributionBlock) -> tuple[Probe, ...]:
        """Return the whole bags, the empty ones, and the steps between of the map and of random orders."""
        curves = self.curves(block)

        @cache
        def both() -> tuple[Tensor, Tensor]:
            return map_ranks(block, self.ranked(part.values), self.seed)

        @cache
        def drawn() -> Tensor:
            return random_ranks(block, self.random_orders, self.seed)

        def ranks(place: int) -> Tensor:
            return both()[place][None]

        asked = [
            probe
            for order in self.asked_orders
            for probe in curves.probes(
                block, self.map_key(part, order), 1, partial(ranks, 0 if order == "morf" else 1)
            )
        ]
        return (*asked, *curves.probes(block, self.random_key, self.random_orders, drawn))

    @property
    def asked_orders(self) -> tuple[Order, ...]:
        """The orders that are asked about: of a map that may be turned, both."""
        return ("morf", "lerf") if self.turns else self.orders

    @property
    def random_key(self) -> tuple[str, int, int]:
        """What decides the random orders, beside the bags."""
        return ("random", self.random_orders, self.seed)

    def minimum_forward(self) -> int:
        """Two ends, and the steps between for each order; of one tile a step, the ends alone."""
        between = 0 if self.step_count is None else self.step_count - 1
        return 2 + (len(self.asked_orders) + self.random_orders) * between

    def measured(self, block: BagBlock, part: AttributionBlock, answers: Answers) -> "Areas":
        """Return the curves of the map and of random orders."""
        curves, targets = self.curves(block), self.followed_classes(block, answers)
        found = {
            order: curves.traced(answers, self.map_key(part, order), targets) for order in self.asked_orders
        }
        traced = {order: {name: line[0] for name, line in found[order].items()} for order in self.orders}
        if self.turns:
            turned = self.turned(block, answers)[:, None]
            traced = {
                order: {
                    name: torch.where(turned, found[OTHER[order]][name][0], line)
                    for name, line in lines.items()
                }
                for order, lines in traced.items()
            }
        return Areas(curves, traced, curves.traced(answers, self.random_key, targets))

    def drawn_curves(self, areas: "Areas") -> tuple[dict[str, Tensor], Tensor]:
        """Return the curves to be stored, by name, and their common axis."""
        points = self.step_count or AXIS
        lines = {
            f"{order}_{output}": on_axis(traced[output], areas.fractions, points)
            for order, traced in areas.orders.items()
            for output in OUTPUTS
        }
        for output in OUTPUTS:
            mean = areas.random[output].mean(0)
            lines[f"random_{output}"] = on_axis(mean, areas.fractions, points)
        return lines, torch.linspace(0, 1, points + 1, dtype=torch.float64, device=block_device(areas))


OUTPUTS: tuple[Output, ...] = ("margin", "probability")
"""The two outputs that are traced. A probability saturates, so the margin is the first."""


def block_device(areas: "Areas") -> torch.device:
    """Return where the curves lie."""
    return areas.fractions.device


@dataclass(frozen=True)
class Areas:
    """The curves [B, S + 1] of each order and output, and those [R, B, S + 1] of random orders."""

    curves: TileCurves
    orders: dict[Order, dict[Output, Tensor]]
    random: Traced

    @property
    def fractions(self) -> Tensor:
        """Float64 [B, S + 1]."""
        return self.curves.fractions

    def area(self, order: Order, output: Output) -> Tensor:
        """Return [B]."""
        return area_under(self.orders[order][output], self.fractions)

    def random_areas(self, output: Output) -> Tensor:
        """Return [R, B]: the areas of random orders."""
        return area_under(self.random[output], self.fractions)

    def random_gaps(self, output: Output) -> Tensor:
        """Return [R, B]: LeRF minus MoRF of random orders, whose LeRF is the order's reverse."""
        areas = self.random_areas(output)
        return areas.roll(len(areas) // 2, 0) - areas

    def excess_drop(self, output: Output) -> Tensor:
        """Return [B]: how much lower the MoRF curve is than that of random orders, the mean over counts."""
        random = self.random[output].mean(0)
        return distinct_mean(random - self.orders["morf"][output], self.curves.counts)
