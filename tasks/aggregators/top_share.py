"""Top share: the mean probability of the highest tiles."""

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tasks.aggregators.base import Aggregator


class TopShare(Aggregator):
    """The mean probability of the fraction ``share`` of tiles that has the highest, at least one tile.

    A small tumour reaches the score, while one wrong tile of many does not decide it alone.
    """

    source: ClassVar[str] = (
        "after Durand et al. (2017), WILDCAT, CVPR (mean over the highest regions of an image); a "
        "fraction of the tiles, and probabilities rather than logits, are ours"
    )

    share: float = Field(default=0.1, gt=0, le=1)
    """The fraction of the tiles that is averaged, rounded up to whole tiles."""

    def score(self, probabilities: NDArray[np.float64]) -> float:
        """Return the mean of the highest."""
        return float(probabilities[self.used(probabilities)].mean())

    def used(self, probabilities: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return the positions of the highest, in ascending order of probability."""
        # Rounded first: 0.1 x 30 is a hair above 3.
        count = max(1, math.ceil(round(self.share * len(probabilities), 9)))
        return np.argsort(probabilities, kind="stable")[-count:]

    def words(self, target_class: str) -> str:
        """Return what is averaged."""
        return f"the mean {target_class} probability of the highest {self.share:.0%} of its tiles"
