"""What every aggregator is: a frozen recipe that gives a slide one score from those of its tiles."""

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from tasks.plugins import Plugin, plugin_type


class Aggregator(Plugin):
    """Turns the probabilities of a slide's tiles for one class into the slide's score for that class.

    The order of the tiles does not matter, and nothing is drawn at random. A tile classifier with an
    aggregator is a slide model.

    Example:
        Of ten tiles the two highest decide:

        >>> import numpy as np
        >>> from tasks.aggregators.top_share import TopShare
        >>> rule = TopShare(share=0.2)
        >>> tiles = np.arange(10) / 10
        >>> round(rule.score(tiles), 3), sorted(rule.used(tiles).tolist())
        (0.85, [8, 9])
    """

    package: ClassVar[str] = "tasks.aggregators"

    def score(self, probabilities: NDArray[np.float64]) -> float:
        """Return the score, in [0, 1], of the probabilities [N] of N >= 1 tiles."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it scores a slide")

    def used(self, probabilities: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return the positions of the tiles that the score depends on, of probabilities [N]."""
        raise NotImplementedError(f"{type(self).__name__} does not say which tiles it uses")

    def words(self, target_class: str) -> str:
        """Return what the score is, as half a sentence."""
        raise NotImplementedError(f"{type(self).__name__} does not say what its score is")


if TYPE_CHECKING:
    AnyAggregator = Aggregator
else:
    AnyAggregator = plugin_type(Aggregator)
"""The type of a field that holds any aggregator."""
