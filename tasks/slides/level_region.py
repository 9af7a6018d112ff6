"""A rectangle of one level, as both ways of reading are asked for it."""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
"""uint8 [H, W, 3], red green blue."""


class LevelRegion(NamedTuple):
    """A rectangle of one level.

    Attributes:
        x: left edge in whole level-0 pixels, never negative.
        y: top edge in whole level-0 pixels, never negative.
        level: number of the level.
        width: width in pixels of the level.
        height: height in pixels of the level.
    """

    x: int
    y: int
    level: int
    width: int
    height: int


class RegionSource(Protocol):
    """Gives the pixels of rectangles."""

    def region(self, wanted: LevelRegion) -> Rgb:
        """Return uint8 [height, width, 3]; white where the slide has no pixels."""
        ...
