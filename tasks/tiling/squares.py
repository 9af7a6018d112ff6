"""The order in which tiles are read, and the digest of each."""

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.slides.level_region import Rgb

_BLOCK = 8
"""Squares along each side of a block that is read together."""


def neighbours_together(
    x: NDArray[np.float64], y: NDArray[np.float64], extent: float, block: int = _BLOCK
) -> NDArray[np.intp]:
    """Return an order of squares in which those of a block of ``block`` x ``block`` follow each other.

    They share the compressed squares of the file, which then stay in the cache. Along whole rows of a wide
    slide they would be decoded repeatedly.
    """
    side = block * extent
    return np.lexsort((x, y, x // side, y // side))


def digests(pixels: Sequence[Rgb] | Rgb) -> NDArray[np.uint32]:
    """Return the CRC-32 of each image of uint8 [N, H, W, 3]: enough to notice a change, and quick."""
    return np.array([zlib.crc32(np.ascontiguousarray(image).data) for image in pixels], dtype=np.uint32)
