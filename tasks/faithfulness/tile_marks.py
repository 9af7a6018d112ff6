"""Tile marks: what a map says of tiles of which it is known what they do to the label of the slide."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.artifacts.tile_set import Mark
from tasks.evidence.bag_block import BagBlock
from tasks.evidence.sources import EvidenceError
from tasks.faithfulness.base import Answers, AttributionBlock, Metric, UnitScores
from tasks.functional.hits import auc_inside
from tasks.samples.axes import ScoreUnit, Support

NOT_MARKED, NOTHING_ELSE = "no tile is marked", "every tile is marked"


class TileMarks(Metric):
    """Where marked tiles lie among the values of a slide's map, and what sign they have.

    On phantoms it is known which tiles speak for the label (``evidence``), which against it (``decoy``) and
    which bear a stamp (``artefact``). ``auroc`` is how often a marked tile is above another one of its slide,
    ties half. ``mean`` is the mean value of marked tiles in units of the mean magnitude of all values of the
    slide: below 0 where a map says that they speak against the target. ``leads`` is 1 where the tile with the
    highest value is marked; of equal values the fraction that is marked counts.

    Values are taken as they are: a map without a sign, such as attention, cannot fall below 0.
    """

    source: ClassVar[str] = (
        "evidence of both signs as in the toy bags of Hense et al. (2024), xMIL, arXiv:2406.04280; the three "
        "scores are ours"
    )
    units: ClassVar[frozenset[ScoreUnit]] = frozenset({"slide"})
    supports: ClassVar[frozenset[Support]] = frozenset({"tile"})

    mark: Mark = "evidence"
    covered: float = Field(default=0.5, ge=0, lt=1)
    """A tile is marked where the mark covers more than this fraction of it."""

    @property
    def sign(self) -> str:
        """Kept."""
        return "values are taken as they are, with their sign"

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the three scores; what marks mean decides which way is better."""
        higher = self.mark == "evidence"
        direction = "higher" if higher else "lower"
        marked = {
            "evidence": "tiles that speak for the label",
            "decoy": "tiles that speak against it",
            "artefact": "tiles with an artefact",
        }[self.mark]
        return (
            ScoreInfo(
                name="auroc",
                direction=direction,
                lower_bound=0.0,
                upper_bound=1.0,
                meaning=f"how often one of the {marked} is above another tile, 0.5 by chance; {self.sign}",
            ),
            ScoreInfo(
                name="mean",
                direction=direction,
                meaning=f"mean value of {marked}, in units of the mean magnitude of the map; {self.sign}",
            ),
            ScoreInfo(
                name="leads",
                direction=direction,
                lower_bound=0.0,
                upper_bound=1.0,
                meaning=f"whether the highest value is on one of the {marked}; {self.sign}",
            ),
        )

    def score_block(self, block: BagBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the scores of each slide; NaN where no tile is marked, or every one is."""
        there, values = block.elements, part.maps.double()
        marked = self._marked(block) & there
        none, every = ~marked.any(1), (marked | ~there).all(1)
        out = none | every
        magnitude = (values.abs() * there).sum(1) / there.sum(1)
        mean = (values * marked).sum(1) / marked.sum(1) / magnitude
        highest = values.masked_fill(~there, -torch.inf)
        first = highest == highest.amax(1, keepdim=True)
        scores = {
            "auroc": auc_inside(part.maps, marked, there),
            # Of a map of zeros nothing has a sign.
            "mean": torch.where(magnitude > 0, mean, 0.0),
            "leads": (first & marked).sum(1) / first.sum(1).double(),
        }
        chance = {"auroc": torch.full_like(mean, 0.5), "leads": marked.sum(1) / there.sum(1).double()}
        return UnitScores(
            values={name: score.double().masked_fill(out, torch.nan) for name, score in scores.items()},
            chance={name: level.masked_fill(out, torch.nan) for name, level in chance.items()},
            excluded={NOT_MARKED: none, NOTHING_ELSE: every & ~none},
        )

    def _marked(self, block: BagBlock) -> Tensor:
        marks: Mapping[Mark, Tensor] = block.marks
        if self.mark not in marks:
            raise EvidenceError(f"metric {self.id!r} needs the mark {self.mark!r}, which no slide here has")
        # NaN, where nobody marked anything, is above nothing.
        return marks[self.mark] > self.covered
