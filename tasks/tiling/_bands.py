"""Work on a picture in bands of rows, so that temporary arrays do not grow with the slide."""

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

ROWS = 256
"""Rows of a band; a multiple of the blocks of glass."""

Counts = NDArray[np.int64]
Value = TypeVar("Value", bound=np.generic)


class RowBand(NamedTuple):
    """Some rows of a picture, and the same with more rows around for filters.

    Attributes:
        rows: the rows that belong to the band.
        with_halo: these and up to ``halo`` rows on each side.
        inner: where ``rows`` lie in ``with_halo``.
    """

    rows: slice
    with_halo: slice
    inner: slice


def bands(height: int, halo: int = 0) -> Iterator[RowBand]:
    """Yield the bands of a picture of ``height`` rows from the top, each row in exactly one."""
    for top in range(0, height, ROWS):
        bottom = min(top + ROWS, height)
        first, last = max(0, top - halo), min(height, bottom + halo)
        yield RowBand(slice(top, bottom), slice(first, last), slice(top - first, bottom - first))


def highest(pixels: NDArray[Value]) -> NDArray[Value]:
    """Return the highest of three channels [..., 3]; ``max`` along so short an axis is ten times slower."""
    found: NDArray[Value] = np.maximum(np.maximum(pixels[..., 0], pixels[..., 1]), pixels[..., 2])
    return found


def lowest(pixels: NDArray[Value]) -> NDArray[Value]:
    """Return the lowest of three channels [..., 3]."""
    found: NDArray[Value] = np.minimum(np.minimum(pixels[..., 0], pixels[..., 1]), pixels[..., 2])
    return found


def mean_level(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the mean of three channels, uint8 [..., 3], as float32."""
    total = pixels[..., 0].astype(np.float32)
    total += pixels[..., 1]
    total += pixels[..., 2]
    total /= 3
    return total


def counts_of(values: NDArray[np.integer[Any]], count: int, where: NDArray[np.bool_] | None = None) -> Counts:
    """Return how many pixels have each of the values 0 to ``count``, int64 [count + 1].

    Args:
        values: whole numbers [h, w].
        count: the highest that there may be.
        where: bool [h, w], which pixels are counted; all by default.
    """
    found = np.zeros(count + 1, dtype=np.int64)
    for band in bands(len(values)):
        part = values[band.rows] if where is None else values[band.rows][where[band.rows]]
        found += np.bincount(part.ravel(), minlength=count + 1)
    return found
