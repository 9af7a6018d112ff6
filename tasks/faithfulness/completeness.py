"""Completeness: whether a map sums to the margin that it explains."""

from typing import ClassVar, Literal

import torch
from pydantic import Field

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.block import Block
from tasks.faithfulness.base import Answers, AttributionBlock, Metric, UnitScores
from tasks.samples.axes import ScoreUnit, Support

NO_REFERENCE = "the explainer names no reference"


class Completeness(Metric):
    """How far the sum of a map is from margin(image) - margin(reference), in logits and relative to it.

    The error was measured when the map was made, on the network that was explained, and is stored beside it:
    this metric reads it and does not run the model. A map may be complete and still lie in the wrong place.
    An explainer without a reference, such as a gradient or a map made elsewhere, makes no claim that could be
    wrong: NaN, excluded and counted. A map of zeros is scored like any other: its relative error is 1.
    """

    source: ClassVar[str] = (
        "Sundararajan, Taly and Yan (2017), arXiv:1703.01365 (the axiom); the error over the difference of "
        "margins, with a least difference, is ours"
    )
    units: ClassVar[frozenset[ScoreUnit]] = frozenset({"tile", "slide"})
    supports: ClassVar[frozenset[Support]] = frozenset({"pixel", "tile"})
    asks: ClassVar[Literal["contribution"]] = "contribution"

    least_margin: float = Field(default=0.01, gt=0)
    """Smallest difference of margins, in logits, that an error is divided by: otherwise every error would be
    large on a tile that looks like the reference to the network."""

    @property
    def sign(self) -> str:
        """Signed values are summed."""
        return "signed values are summed"

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the error in logits and over the difference of margins."""
        error = f"how far the map's sum is from margin(image) - margin(reference); {self.sign}"
        rows = (("error", f"{error}, in logits"), ("relative", f"{error}, over the size of that difference"))
        return tuple(
            ScoreInfo(name=name, direction="lower", lower_bound=0.0, meaning=meaning)
            for name, meaning in rows
        )

    def score_block(self, block: Block, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return both; NaN where the explainer names no reference."""
        error = block.completeness_errors(part.explainer_id)
        # A map made with a halo is the middle of a larger one, whose sum is what was promised.
        whole = part.values.double().sum(1) + block.halo_sums(part.explainer_id)
        promised = (whole - error).abs()
        return UnitScores(
            values={"error": error.abs(), "relative": error.abs() / promised.clamp(min=self.least_margin)},
            excluded={NO_REFERENCE: torch.isnan(error)},
        )
