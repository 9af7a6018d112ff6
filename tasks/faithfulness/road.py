"""ROAD: pixels are removed in order of attribution and imputed from their neighbours."""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import ClassVar

import torch
from pydantic import Field, field_validator
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.fill_pixels import ImputePixels, solved
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._areas import area_infos, gap_of
from tasks.faithfulness._following import FollowingMetric
from tasks.faithfulness._outputs import Output, outputs
from tasks.faithfulness._removal import CLEAN, clean_probe
from tasks.faithfulness._removal_curves import OTHER, Order, ranks_of
from tasks.faithfulness.base import (
    Answers,
    AttributionBlock,
    Need,
    Probe,
    ProbeKey,
    RankingMetric,
    UnitScores,
)
from tasks.functional.curves import area_under
from tasks.functional.ranking import reversed_ranks
from tasks.samples.axes import Removal

_ORDERS: tuple[Order, ...] = ("morf", "lerf")


class Road(FollowingMetric, RankingMetric):
    """Curves of the output and of the accuracy, most (MoRF) or least relevant pixels first, with imputation.

    A removed pixel becomes the weighted mean of its eight neighbours, removed ones being unknowns too, plus
    normal noise (:func:`tasks.functional.imputation.imputed`): with a fixed fill the shape of the hole is
    visible and may itself be evidence for a class. The result is not clamped to [0, 1], as published. The
    noise of a tile is the same for every explainer, order and level.

    Curves begin at the whole image and go on at each of ``percentages``, of which both orders remove the
    same number of pixels; an area is the mean height of its curve up to the last one. Each curve is the mean
    over ``draws`` of noise. Beside the outputs there is the *accuracy* of the paper: of one tile 1 where the
    class followed is the predicted one, else 0, so the mean over tiles labelled as that class is the share
    still classified correctly. (The authors' program calls the LeRF level p at which 1 - p is removed.)

    A constant map is all ties, which the seed breaks: its gaps are 0 on average. Imputation restores
    scattered pixels from their neighbours, so MoRF favours maps with large smooth patches: compare with the
    blurred noise control (arXiv:2304.13836).
    """

    source: ClassVar[str] = (
        "Rong et al. (2022), arXiv:2202.00449; the areas, the gap and the outputs other than accuracy follow "
        "deletion and are ours"
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"forward"})
    removal: ClassVar[Removal | None] = "fill_pixels"

    percentages: tuple[int, ...] = (10, 20, 30, 40, 50, 60, 70, 80, 90)
    """How much is removed, in percent of the pixels; from 1 to 99, rising."""
    noise: float = Field(default=0.01, ge=0)
    """Standard deviation of what is added to an imputed value, as a fraction of the pixel range [0, 1]."""
    draws: int = Field(default=1, ge=1)
    """Draws of that noise; with two or more the error that they leave is known."""
    output: Output = "probability"
    """Which of the outputs is scored beside the accuracy; all three are traced."""
    seed: int = Field(default=0, ge=0)

    @field_validator("percentages")
    @classmethod
    def _rising(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value or list(value) != sorted(set(value)) or not 1 <= value[0] <= value[-1] <= 99:
            raise ValueError("percentages must rise from at least 1 to at most 99")
        return value

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return gap, MoRF and LeRF of the chosen output and of the accuracy."""
        going = f"while the %s relevant pixels are imputed first; {self.sign}"
        return (
            *area_infos(f"mean {self.output} of the {self.followed} {going}", self.output == "probability"),
            *area_infos(f"how often the {self.followed} is predicted, mean {going}", True, "_accuracy"),
        )

    def probes(self, block: TileBlock, part: AttributionBlock) -> tuple[Probe, ...]:
        """Return the clean image and the imputed ones of both orders."""

        @cache
        def ranks() -> Tensor:
            return ranks_of(block, self.ranked(part.values), self.seed, self.name)

        return (clean_probe(block), *(self._levels(block, part, order, ranks) for order in _ORDERS))

    def minimum_forward(self) -> int:
        """The whole image, and for each draw each level of both orders."""
        return 1 + len(_ORDERS) * self._steps

    def score_block(self, block: TileBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return areas and curves, each the mean over the draws, and the error that the draws leave."""
        counts = self._counts(block).double()
        fractions = (counts / block.images[0, 0].numel()).to(block.images.device)
        lines = {order: self._lines(block, part, answers, order) for order in _ORDERS}
        areas: dict[str, Tensor] = {}
        for suffix, name in (("", self.output), ("_accuracy", "accuracy")):
            morf, lerf = (area_under(lines[order][name], fractions) for order in _ORDERS)
            areas |= {f"morf{suffix}": morf, f"lerf{suffix}": lerf, gap_of(suffix): lerf - morf}
        return UnitScores(
            values={name: drawn.mean(1) for name, drawn in areas.items()},
            chance={name: torch.zeros_like(areas[name][:, 0]) for name in ("gap", "accuracy_gap")},
            errors={name: drawn.std(1) / self.draws**0.5 for name, drawn in areas.items() if self.draws > 1},
            curves={
                f"{order}_{name}": line.mean(1) for order in _ORDERS for name, line in lines[order].items()
            },
            fractions=fractions,
        )

    def _lines(
        self, block: TileBlock, part: AttributionBlock, answers: Answers, order: Order
    ) -> dict[str, Tensor]:
        """Return float64 [n, draws, levels + 1] of each output and of the hits."""
        levels, count = len(self.percentages), len(block.rows)
        clean, followed = answers[CLEAN], self.followed_classes(block, answers)
        changed, other = (answers[self._key(part, each)] for each in (order, OTHER[order]))
        # Of a turned map one order is the other.
        changed = torch.where(self.turned(block, answers)[:, None], other, changed)
        drawn = changed.view(levels, self.draws, count, -1).transpose(0, 1)
        logits = torch.cat([clean.expand(self.draws, *clean.shape), drawn], dim=1).flatten(0, 1)
        hits = (logits.argmax(2) == followed).T.double()
        lines = (*outputs(logits, followed).items(), ("accuracy", hits))
        return {name: line.reshape(count, self.draws, levels + 1) for name, line in lines}

    def _levels(
        self, block: TileBlock, part: AttributionBlock, order: Order, ranks: Callable[[], Tensor]
    ) -> Probe:
        # The draws of a level follow each other, so its solution is kept until the next level.
        @lru_cache(maxsize=1)
        def solved_levels(first: int, last: int) -> tuple[Tensor, Tensor]:
            going = ranks() if order == "morf" else reversed_ranks(ranks())
            counts = self._counts(block)[first + 1 : last + 2].to(going.device)
            return solved(block, going < counts[:, None, None])

        def make(steps: slice) -> Tensor:
            taken = [divmod(step, self.draws) for step in range(self._steps)[steps]]
            first = taken[0][0]
            images, removed = solved_levels(first, taken[-1][0])
            return torch.stack(
                [images[i - first] + removed[i - first] * self._noise(block, draw) for i, draw in taken]
            )

        return Probe(key=self._key(part, order), count=self._steps, make=make)

    def _noise(self, block: TileBlock, draw: int) -> Tensor:
        """Return [n, C, H, W], by seed, tile and draw alone."""
        return ImputePixels(self.noise, self.seed, draw).drawn_noise(block)

    @property
    def _steps(self) -> int:
        return len(self.percentages) * self.draws

    def _counts(self, block: TileBlock) -> Tensor:
        """Return int64 [levels + 1]: how many pixels are removed, from none."""
        percent = torch.tensor([0, *self.percentages])
        return (percent * block.images[0, 0].numel() + 50) // 100

    def _key(self, part: AttributionBlock, order: Order) -> ProbeKey:
        how = (self.ranked_by, self.percentages, self.noise, self.draws, self.seed)
        return (self.name, part.explainer_id, order, *how)
