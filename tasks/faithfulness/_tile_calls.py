"""How many tiles decide the call of a slide: the first step at which something holds."""

from functools import cache
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.bag_block import BagBlock
from tasks.faithfulness._tile_counts import growing_counts
from tasks.faithfulness._tile_curves import ENDS, UNRANKED, TileCurves, TileMetric
from tasks.faithfulness._tile_orders import map_ranks
from tasks.faithfulness.base import Answers, AttributionBlock, Probe

OTHER_CALL = "the model does not call the slide the explained class"


class TileCallMetric(TileMetric):
    """Counts the tiles of a map, the most relevant first, that keep or flip the call of the model.

    Only slides that the model calls the explained class are judged: a map explains that class. The call is
    the class of the highest logit.
    """

    first: ClassVar[Literal["morf", "lerf"]]
    """Which tiles leave first."""

    steps: Literal["all"] | Annotated[int, Field(ge=2)] = 64
    """Number of counts that are tried: 1, 2, 3 and so on, then by equal ratios up to all tiles. ``all``:
    every number, which only costs nothing on models that pool."""

    def curves(self, block: BagBlock) -> tuple[TileCurves, Tensor]:
        """Return the bags that are asked about, and int64 [S + 1, B]: the number of tiles counted at each."""
        tiles = block.elements.sum(1)
        counts = growing_counts(tiles, self.step_count, block.element_count)
        leaving = counts if self.first == "morf" else (tiles - counts).flip(0)
        return TileCurves(leaving, ("growing", self.first, self.steps)), counts

    def probes(self, block: BagBlock, part: AttributionBlock) -> tuple[Probe, ...]:
        """Return the whole bags, the empty ones, and those between."""

        @cache
        def ranks() -> Tensor:
            both = map_ranks(block, self.ranked(part.values), self.seed)
            return both[0 if self.first == "morf" else 1][None]

        return self.curves(block)[0].probes(block, self.map_key(part, self.first), 1, ranks)

    def minimum_forward(self) -> int:
        """Two ends and the steps between; of every number, the ends alone."""
        return 2 if self.step_count is None else self.step_count + 1

    def calls(
        self, block: BagBlock, part: AttributionBlock, answers: Answers
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Return bool [S + 1, B], whether each bag is called the explained class, and the counted tiles.

        The third is the reasons for which a bag is not judged.
        """
        curves, counts = self.curves(block)
        logits = curves.logits(answers, self.map_key(part, self.first))[:, 0]
        called = logits.argmax(2) == block.targets
        if self.first == "lerf":
            called = called.flip(0)
        unranked = self.unranked(block, part)
        other = answers[ENDS][0].argmax(1) != block.targets
        return called, counts, {UNRANKED: unranked, OTHER_CALL: other & ~unranked}


def first_count(holds: Tensor, counts: Tensor) -> Tensor:
    """Return float64 [B]: the first of ``counts`` [S + 1, B] above 0 at which ``holds``; NaN where none."""
    some = holds & (counts > 0)
    place = some.to(torch.uint8).argmax(0, keepdim=True)
    found = counts.gather(0, place)[0].double()
    return torch.where(some.any(0), found, torch.nan)


def count_infos(name: str, doing: str, sign: str) -> tuple[ScoreInfo, ...]:
    """Return the number of tiles and their share of the bag."""
    return (
        ScoreInfo(name="tiles", direction="lower", lower_bound=1.0, meaning=f"{name}: {doing}; {sign}"),
        ScoreInfo(
            name="share",
            direction="lower",
            lower_bound=0.0,
            upper_bound=1.0,
            meaning=f"the same as a share of the tiles of the slide; {sign}",
        ),
    )
