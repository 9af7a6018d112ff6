"""What a tile set has one of per tile: pixels or a mask, on disk or made when it is asked for."""

from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.mapped import mapped_array

Chosen = int | np.integer[Any] | slice | NDArray[np.intp] | list[int]
"""Which tiles: one, a slice, or row numbers in any order."""


class TileArray(Protocol):
    """[N, H, W] or [N, H, W, 3], indexed by tile. A numpy array is one; so is what reads tiles on demand."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes, that of the tiles first."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of a value."""
        ...

    def __len__(self) -> int:
        """Return how many tiles there are."""
        ...

    def __getitem__(self, rows: Chosen, /) -> NDArray[Any]:
        """Return the values of one tile, or of some."""
        ...


def stored_array(path: Path) -> TileArray:
    """Return the array in a ``.npy`` file, memory-mapped. The map needs no open file."""
    return cast("TileArray", mapped_array(path))


def row_numbers(rows: Chosen, count: int) -> NDArray[np.intp]:
    """Return the row numbers that ``rows`` means among ``count``; one number gives one row.

    Raises:
        IndexError: there is no such tile.
    """
    if isinstance(rows, slice):
        return np.arange(count)[rows]
    numbers = np.atleast_1d(np.asarray(rows, dtype=np.intp))
    outside = (numbers < -count) | (numbers >= count)
    if outside.any():
        raise IndexError(f"there is no tile {numbers[outside][0]} among {count}")
    return np.where(numbers < 0, numbers + count, numbers)


def is_one(rows: Chosen) -> bool:
    """Return whether ``rows`` is one number, for which an array drops its first axis."""
    return isinstance(rows, int | np.integer)
