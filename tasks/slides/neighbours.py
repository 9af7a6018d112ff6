"""The sequence in which squares of a slide are read, so that neighbours come together."""

import numpy as np
from numpy.typing import NDArray

BLOCK = 8
"""Squares along each side of a block that is read together."""


def neighbours_together(
    x: NDArray[np.float64], y: NDArray[np.float64], extent: float, block: int = BLOCK
) -> NDArray[np.intp]:
    """Return an order of squares in which those of a block of ``block`` x ``block`` follow each other.

    They share the compressed squares of the file, which then stay in the cache. Along whole rows of a wide
    slide they would be decoded repeatedly.

    Args:
        x: left edges, [N].
        y: top edges, [N], in the unit of ``x``.
        extent: side of a square in that unit.
        block: squares along each side of a block.
    """
    side = block * extent
    return np.lexsort((x, y, x // side, y // side))
