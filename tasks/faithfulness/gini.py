"""Gini: how few pixels carry most of the magnitude of a map."""

from typing import ClassVar

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.block import Block
from tasks.faithfulness.base import Answers, AttributionBlock, Metric, UnitScores
from tasks.functional.sparseness import gini
from tasks.samples.axes import ScoreUnit, Support


class Gini(Metric):
    """The Gini index of the magnitudes: sparse, which is not the same as faithful."""

    source: ClassVar[str] = (
        "Hurley and Rickard (2009), arXiv:0811.4706; Chalasani et al. (2020), arXiv:1810.06583"
    )
    units: ClassVar[frozenset[ScoreUnit]] = frozenset({"tile", "slide"})
    supports: ClassVar[frozenset[Support]] = frozenset({"pixel", "tile"})

    @property
    def sign(self) -> str:
        """Magnitudes."""
        return "magnitudes count: the sign is dropped"

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the index; no direction, since a model without gradients can be sparse too."""
        meaning = f"0 all pixels equal, towards 1 few pixels carry all; {self.sign}"
        return (ScoreInfo(name="gini", direction="none", lower_bound=0.0, upper_bound=1.0, meaning=meaning),)

    def score_block(self, block: Block, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the index of each map; a map of zeros scores 0."""
        return UnitScores(values={"gini": gini(part.values.abs(), part.elements)})
