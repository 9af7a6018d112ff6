"""Squares of a slide as tiles: read in an order in which neighbours share what is decoded, with digests."""

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.slides.pixels import Rgb
from tasks.slides.reader import SlideReader

_BLOCK = 8
"""Squares along each side of a block that is read together."""


def read_squares(
    slide: SlideReader, x: NDArray[np.float64], y: NDArray[np.float64], extent: float, out_px: int
) -> tuple[Rgb, list[str]]:
    """Return the squares at (x, y), [N], with side ``extent`` in level-0 pixels, in their order.

    Returns:
        uint8 [N, out_px, out_px, 3], white where a square cannot be read, and the reason of each, or "".
    """
    return slide.read_tiles(x, y, extent, out_px)


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
