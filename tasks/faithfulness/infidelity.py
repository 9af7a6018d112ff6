"""Infidelity: the squared error of the drop that a map predicts."""

from types import MappingProxyType
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._drops import UNMOVED
from tasks.faithfulness._subsets import SubsetMetric
from tasks.faithfulness.base import Answers, AttributionBlock, ByKind, UnitScores
from tasks.functional.jackknife import jackknife


class Infidelity(SubsetMetric):
    """The mean squared difference between the drop that a map predicts and the drop of the output.

    Pixels of random subsets go. A ``sensitivity`` predicts the sum of its values times image minus fill (the
    dot product of map and perturbation, averaged over the channels, as the map holds one value per pixel), a
    ``contribution`` the sum of its values. ``infidelity`` is in squared units of the output, and worse for a
    map of another scale. ``scaled`` first multiplies the map of the tile by the best non-negative factor, and
    divides by the mean squared drop: 0 predicts every drop, 1 is no better than a map of zeros. No constant
    is fitted, so where all drops are equal a constant map does well too. A tile whose output does not move is
    excluded and counted.
    """

    source: ClassVar[str] = (
        "Yeh et al. (2019), arXiv:1901.09392, whose published code scales by least squares; the bound of the "
        "factor at 0, the division, the random subsets and the mean over channels are ours"
    )

    by_kind: ClassVar[ByKind] = MappingProxyType(
        {"reads": {"sensitivity": "sensitivity", "contribution": "contribution"}}
    )

    fraction: float = Field(default=0.2, gt=0, lt=1)
    """Of the tile's pixels in each subset."""
    reads: Literal["kind", "sensitivity", "contribution"] = "kind"
    """``kind`` reads each map as what it is."""

    def sizes(self) -> tuple[float, ...]:
        """One size."""
        return (self.fraction,)

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the scaled form, which compares explainers, and the published one."""
        return (
            ScoreInfo(
                name="scaled",
                direction="lower",
                lower_bound=0.0,
                upper_bound=1.0,
                meaning=f"squared miss of the drops by the map at its best scale, over the squared drops; "
                f"1 for a map of zeros; {self.sign}",
            ),
            ScoreInfo(
                name="infidelity",
                direction="lower",
                lower_bound=0.0,
                meaning=f"mean squared miss of the drop of the {self.output} by the map at its own scale",
            ),
        )

    def score_block(self, block: TileBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return both; NaN where the output does not move."""
        (removals,) = self.removals(block, part, answers)
        told, drops = removals.sums, removals.traced.drops
        unmoved = drops.abs().amax(0) <= removals.traced.rounding
        found = {
            "scaled": jackknife(_missed, torch.stack([told * told, told * drops, drops * drops])),
            "infidelity": jackknife(_only, (told - drops).square()[None]),
        }
        kept = {
            name: tuple(torch.where(unmoved, torch.nan, each) for each in pair)
            for name, pair in found.items()
        }
        return UnitScores(
            values={name: pair[0] for name, pair in kept.items()},
            errors={name: pair[1] for name, pair in kept.items()},
            excluded={UNMOVED: unmoved},
        )


def _missed(means: Tensor) -> Tensor:
    """Return the share of the squared drops that the best factor leaves, from the three mean products."""
    told, both, drops = means.unbind()
    size = told * drops
    caught = both.clamp(min=0).square() / torch.where(size > 0, size, 1.0)
    return (1 - caught).clamp(0, 1)


def _only(means: Tensor) -> Tensor:
    return means.squeeze(0)
