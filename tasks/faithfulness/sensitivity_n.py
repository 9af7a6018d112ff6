"""Sensitivity-n: the faithfulness correlation for subsets of few pixels up to most of them."""

from itertools import pairwise
from typing import ClassVar, Self

import torch
from pydantic import Field, model_validator

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._drops import correlation_infos
from tasks.faithfulness._subsets import SubsetMetric
from tasks.faithfulness.base import Answers, AttributionBlock, UnitScores


class SensitivityN(SubsetMetric):
    """Pearson's correlation of the map's sum over a random subset with the drop, averaged over sizes.

    The curve shows it at each size. A tile that has no correlation at some size (a constant map, an output
    that does not move) is excluded and counted. With equal fill, draws and seed it uses the same subsets of
    one size as ``faithfulness_correlation`` and ``infidelity``: by default those of a fifth of the pixels.
    """

    source: ClassVar[str] = (
        "Ancona et al. (2018), arXiv:1711.06104 (measured by correlation over sampled subsets); the mean "
        "over sizes, the fills, the readings of a map and the error are ours"
    )

    fractions: tuple[float, ...] = Field(default=(0.0125, 0.05, 0.2, 0.8), min_length=1)
    """Sizes of the subsets, as fractions of the tile's pixels, ascending; by default each four times the
    one before."""

    @model_validator(mode="after")
    def _ascending_fractions(self) -> Self:
        if not all(low < high for low, high in pairwise((0.0, *self.fractions, 1.0))):
            raise ValueError(f"fractions are {self.fractions}; needed: ascending, each between 0 and 1")
        return self

    def sizes(self) -> tuple[float, ...]:
        """The fractions."""
        return self.fractions

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the mean correlation."""
        meaning = (
            f"correlation of the drop of the {self.output} with the map's sum over pixels removed at random, "
            f"mean over {len(self.fractions)} sizes; 0 for a map that says nothing; {self.sign}"
        )
        return correlation_infos(meaning)

    def score_block(self, block: TileBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the mean and the curve; NaN where the correlation is undefined at some size."""
        removals = self.removals(block, part, answers)
        pairs = [each.correlation() for each in removals]
        values, errors = (torch.stack(column, dim=1) for column in zip(*pairs, strict=True))
        mean = values.mean(1)
        reasons = [each.excluded() for each in removals]
        flags = {name: torch.stack([each[name] for each in reasons]).any(0) for name in reasons[0]}
        first, second = flags
        return UnitScores(
            values={"correlation": mean},
            chance={"correlation": torch.zeros_like(mean)},
            # The draws of different sizes are independent.
            errors={"correlation": errors.square().sum(1).sqrt() / len(self.fractions)},
            curves={"correlation": values},
            fractions=torch.tensor(self.fractions, dtype=torch.float64, device=values.device),
            excluded={first: flags[first], second: flags[second] & ~flags[first]},
        )
