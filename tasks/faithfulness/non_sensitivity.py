"""Non-sensitivity: is the map silent on exactly the squares that do not affect the output?"""

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._squares import SquareMetric, square_sums
from tasks.faithfulness.base import Answers, AttributionBlock, UnitScores


class NonSensitivity(SquareMetric):
    """The share of squares on which map and output disagree about whether the square matters at all.

    A square is silent where the map's magnitudes in it sum to at most ``tolerance`` of the highest sum of the
    tile, and unused where removing it moves the output, up or down, by at most ``tolerance`` of the largest
    move; changes below rounding do not count. So a map of zeros is silent everywhere and an output that does
    not move uses nothing: both have a score. Where the network uses every square, any map that is nowhere
    silent scores 0: the metric is informative for sparse maps and for networks that use a part of the tile.
    """

    source: ClassVar[str] = (
        "Nguyen and Martinez (2020), arXiv:2007.07584 (non-sensitivity, the symmetric difference of silent "
        "and unused features); squares, the share, relative thresholds and the chance level are ours"
    )

    tolerance: float = Field(default=0.01, ge=0, lt=1)
    """What counts as nothing, as a fraction of the tile's most."""

    @property
    def sign(self) -> str:
        """Magnitudes."""
        return "magnitudes of map and drop count: the sign is dropped"

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the disagreement and its two parts."""
        meanings = {
            "disagreement": f"share of squares silent but used, or speaking but unused; {self.sign}",
            "silent_but_used": "share of squares where the map is silent and the output moves",
            "speaking_but_unused": "share of squares where the map speaks and the output does not move",
        }
        return tuple(
            ScoreInfo(name=name, direction="lower", lower_bound=0.0, upper_bound=1.0, meaning=meaning)
            for name, meaning in meanings.items()
        )

    def score_block(self, block: TileBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return the three shares; chance is what the map's silent squares would give at random places."""
        traced = self.traced(block, answers, self.squares_key())
        moves = traced.drops.abs()
        sums = square_sums(part.maps.abs(), self.squares)
        silent = sums <= self.tolerance * sums.amax(0)
        unused = moves <= (self.tolerance * moves.amax(0)).maximum(traced.rounding)
        mute, idle = _share(silent), _share(unused)
        return UnitScores(
            values=_parts(_share(silent & ~unused), _share(~silent & unused)),
            chance=_parts(mute * (1 - idle), (1 - mute) * idle),
        )


def _share(flags: Tensor) -> Tensor:
    return flags.double().mean(0)


def _parts(silent_but_used: Tensor, speaking_but_unused: Tensor) -> dict[str, Tensor]:
    return {
        "disagreement": silent_but_used + speaking_but_unused,
        "silent_but_used": silent_but_used,
        "speaking_but_unused": speaking_but_unused,
    }
