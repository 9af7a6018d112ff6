"""Tile deletion: what happens to a slide's output when tiles leave in the order of their scores."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.bag_block import BagBlock
from tasks.faithfulness._outputs import Output
from tasks.faithfulness._tile_areas import OUTPUTS, Areas, TileAreaMetric
from tasks.faithfulness._tile_curves import UNRANKED
from tasks.faithfulness.base import Answers, AttributionBlock, UnitScores


class TileDeletion(TileAreaMetric):
    """Tiles leave the bag, the most relevant first (MoRF) or the least (LeRF), and the output is traced.

    Tiles leave at fixed counts, from none to all, whatever the values of the map. The axis is the share that
    has left, so an area is the mean height of its curve. ``srg`` is the primary score: LeRF minus MoRF. A
    tiled slide is a smaller slide, so nothing is filled in. But bags get small, and smaller than a model may
    have been trained on: at every step the curve of random orders is the level to compare with.

    The mean SRG of the random orders is 0, as each comes with its reverse. Ties are broken by the ids of the
    tiles, the same in MoRF and LeRF: a map of equal values scores exactly 0.
    """

    source: ClassVar[str] = (
        "Samek et al. (2017), arXiv:1509.06321 (MoRF); Bluecher, Vielhaben and Strodthoff (2024), "
        "arXiv:2401.06654 (SRG); Hense et al. (2024), arXiv:2406.04280 (tiles of a bag); Early, Evers and "
        "Ramchurn (2022), arXiv:2201.11701 (AOPC against random orders); fixed counts, ties and pairs of "
        "random orders are ours"
    )

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return SRG, both areas and the drop beyond random orders, of margin and probability."""
        infos = [info for output in OUTPUTS for info in self._infos(output)]
        ahead = ScoreInfo(
            name="ahead",
            direction="higher",
            lower_bound=0.0,
            upper_bound=1.0,
            meaning=f"share of {self.random_orders} random orders with a lower SRG of the margin, equal ones "
            f"half; {self.sign}",
        )
        return (*infos, ahead)

    def score_block(self, block: BagBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the scores of each bag; NaN where a tile has no value."""
        areas = self.measured(block, part, answers)
        curves, axis = self.drawn_curves(areas)
        values: dict[str, Tensor] = {}
        chance: dict[str, Tensor] = {}
        for output in OUTPUTS:
            end, random = _suffix(output), areas.random_areas(output).mean(0)
            morf, lerf = areas.area("morf", output), areas.area("lerf", output)
            found = {"srg": lerf - morf, "morf": morf, "lerf": lerf, "aopc": areas.excess_drop(output)}
            none = torch.zeros_like(morf)
            values |= {name + end: value for name, value in found.items()}
            chance |= {"srg" + end: none, "morf" + end: random, "lerf" + end: random, "aopc" + end: none}
        values["ahead"] = _share_below(values["srg"], areas)
        chance["ahead"] = torch.full_like(values["ahead"], 0.5)
        unranked = self.unranked(block, part)
        return UnitScores(
            values={name: torch.where(unranked, torch.nan, value) for name, value in values.items()},
            chance=chance,
            curves={
                name: line if name.startswith("random") else torch.where(unranked[:, None], torch.nan, line)
                for name, line in curves.items()
            },
            fractions=axis,
            excluded={UNRANKED: unranked},
        )

    def _infos(self, output: Output) -> tuple[ScoreInfo, ...]:
        end, bounded = _suffix(output), output == "probability"
        lowest, highest = (0.0, 1.0) if bounded else (None, None)
        area = f"mean {output} of the {self.followed} while the %s relevant tiles leave first; {self.sign}"
        rows: tuple[tuple[str, Literal["higher", "lower"], float | None, float | None, str], ...] = (
            ("srg", "higher", -1.0 if bounded else None, highest, "LeRF area minus MoRF area; 0 by chance"),
            ("morf", "lower", lowest, highest, area % "most"),
            ("lerf", "higher", lowest, highest, area % "least"),
            (
                "aopc",
                "higher",
                -1.0 if bounded else None,
                highest,
                f"mean over counts of how much lower the {output} is than in {self.random_orders} random "
                "orders; 0 by chance",
            ),
        )
        return tuple(
            ScoreInfo(name=name + end, direction=way, lower_bound=low, upper_bound=high, meaning=said)
            for name, way, low, high, said in rows
        )


def _suffix(output: Output) -> str:
    return "" if output == OUTPUTS[0] else f"_{output}"


def _share_below(gaps: Tensor, areas: Areas) -> Tensor:
    """Return [B]: the share of random orders whose gap of the margin is lower, equals half."""
    random = areas.random_gaps("margin")
    return ((random < gaps).double() + 0.5 * (random == gaps).double()).mean(0)
