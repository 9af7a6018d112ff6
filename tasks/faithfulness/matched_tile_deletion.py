"""Matched tile deletion: does it matter which of equally dark tiles leave?"""

from collections.abc import Mapping
from functools import cache, partial
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.bag_block import BagBlock
from tasks.faithfulness._draws import mean_over
from tasks.faithfulness._outputs import Output
from tasks.faithfulness._removal_curves import Order
from tasks.faithfulness._tile_areas import OUTPUTS
from tasks.faithfulness._tile_counts import distinct_mean, even_counts
from tasks.faithfulness._tile_curves import UNRANKED, TileCurves, TileMetric, Traced
from tasks.faithfulness._tile_orders import DARKNESS, map_ranks, matched_ranks, strata_of
from tasks.faithfulness.base import Answers, AttributionBlock, Probe, UnitScores
from tasks.functional.curves import area_under

UNKNOWN = "the darkness of the tiles is not known"


class MatchedTileDeletion(TileMetric):
    """Deletion by a map, compared with deletion of other tiles that are as dark.

    Tumour is dark, so a map of darkness deletes it without any model. Here each random order takes, in place
    of every tile of the map's order, a tile of the same stratum of darkness. At every count the two have
    removed equally many tiles of every stratum. What is left is what the map knows beyond darkness: a map of
    strata scores 0 on average.
    """

    source: ClassVar[str] = (
        "strata of a covariate as Janes and Pepe (2008), and random orders as Early, Evers and Ramchurn "
        "(2022), arXiv:2201.11701; deletion matched by darkness is ours"
    )

    strata: int = Field(default=10, ge=1)
    """Strata of equally many tiles of a slide, by their mean optical density."""
    draws: int = Field(default=10, ge=2)
    """Random orders of equally dark tiles."""

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the gap and the drop beyond those of equally dark tiles."""
        beyond = f"minus its mean over {self.draws} orders of equally dark tiles; 0 by chance; {self.sign}"
        rows = (
            ("srg", f"LeRF minus MoRF area of the margin, {beyond}"),
            ("aopc", f"mean drop of the margin over counts, {beyond}"),
            ("srg_probability", f"LeRF minus MoRF area of the probability, {beyond}"),
        )
        return tuple(ScoreInfo(name=name, direction="higher", meaning=said) for name, said in rows)

    def curves(self, block: BagBlock) -> TileCurves:
        """Return the curves that are asked about."""
        counts = even_counts(block.elements.sum(1), self.step_count, block.element_count)
        return TileCurves(counts, ("even", self.steps))

    def probes(self, block: BagBlock, part: AttributionBlock) -> tuple[Probe, ...]:
        """Return the bags along the map, and along orders of equally dark tiles."""

        @cache
        def along(order: Order) -> Tensor:
            return map_ranks(block, self.ranked(part.values), self.seed)[0 if order == "morf" else 1]

        @cache
        def matched(order: Order) -> Tensor:
            strata = strata_of(block, self._darkness(block), self.strata)
            return matched_ranks(block, along(order), strata, self.draws, self.seed)

        def alone(order: Order) -> Tensor:
            return along(order)[None]

        curves, probes = self.curves(block), list[Probe]()
        for order in _ORDERS:
            probes += curves.probes(block, self.map_key(part, order), 1, partial(alone, order))
            probes += curves.probes(
                block, self._matched_key(part, order), self.draws, partial(matched, order)
            )
        return tuple(probes)

    def minimum_forward(self) -> int:
        """Two ends, and the steps between for each order; of one tile a step, the ends alone."""
        between = 0 if self.step_count is None else self.step_count - 1
        return 2 + 2 * (1 + self.draws) * between

    def score_block(self, block: BagBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the scores of each bag, with the error that the draws leave."""
        curves = self.curves(block)
        targets = self.followed_classes(block, answers)
        turned = self.turned(block, answers)
        own, other = (
            {order: curves.traced(answers, key(part, order), targets) for order in _ORDERS}
            for key in (self.map_key, self._matched_key)
        )
        values: dict[str, Tensor] = {}
        errors: dict[str, Tensor] = {}
        for output in OUTPUTS:
            gaps = [_gap(found, output, curves.fractions, turned) for found in (own, other)]
            name = "srg" if output == "margin" else "srg_probability"
            values[name], errors[name] = mean_over(gaps[0] - gaps[1])
        drops = [_drop(found, curves.counts, turned) for found in (own, other)]
        values["aopc"], errors["aopc"] = mean_over(drops[0] - drops[1])
        unranked, unknown = self.unranked(block, part), self._unknown(block)
        left_out = unranked | unknown
        return UnitScores(
            values={name: torch.where(left_out, torch.nan, value) for name, value in values.items()},
            chance={name: torch.zeros_like(value) for name, value in values.items()},
            errors={name: torch.where(left_out, torch.nan, value) for name, value in errors.items()},
            excluded={UNRANKED: unranked, UNKNOWN: unknown & ~unranked},
        )

    def _darkness(self, block: BagBlock) -> Tensor:
        about = block.bags.about
        if about is None:
            return torch.full_like(block.elements, torch.nan, dtype=torch.float32)
        return about[:, :, DARKNESS]

    def _unknown(self, block: BagBlock) -> Tensor:
        return (self._darkness(block).isnan() & block.elements).any(1)

    def _matched_key(self, part: AttributionBlock, order: str) -> tuple[object, ...]:
        return ("equally dark", self.strata, self.draws, *self.map_key(part, order))


_ORDERS: tuple[Order, ...] = ("morf", "lerf")


def _gap(found: Mapping[Order, Traced], output: Output, fractions: Tensor, turned: Tensor) -> Tensor:
    """Return [O, B]: LeRF minus MoRF area, with the other sign where the map is turned."""
    morf, lerf = (area_under(found[order][output], fractions) for order in _ORDERS)
    return torch.where(turned, morf - lerf, lerf - morf)


def _drop(found: Mapping[Order, Traced], counts: Tensor, turned: Tensor) -> Tensor:
    """Return [O, B]: the mean drop of the margin while the most relevant tiles leave first."""
    lines = torch.where(turned[:, None], found["lerf"]["margin"], found["morf"]["margin"])
    return distinct_mean(lines[..., :1] - lines, counts)
