"""Tiles that were read from slides and stay in memory for the next epochs, up to a stated size."""

import threading

import numpy as np
from numpy.typing import NDArray


class TileCache:
    """Keeps tiles until it is full, and then those it has: every epoch asks for all of them once.

    Several threads may use it.
    """

    def __init__(self, count: int, shape: tuple[int, ...], megabytes: int) -> None:
        """Make an empty cache of some of ``count`` tiles, uint8 of ``shape`` each."""
        most = min(count, (megabytes << 20) // int(np.prod(shape)))
        self._tiles = np.empty((most, *shape), np.uint8)  # the system gives memory where it is written
        self._slots = np.full(count, -1, np.int64)
        self._used = 0
        self._lock = threading.Lock()

    def take(self, positions: NDArray[np.intp], out: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Fill ``out`` [B, ...] where the tiles are held, and return where they are, [B]."""
        slots = self._slots[positions]
        held = slots >= 0
        out[held] = self._tiles[slots[held]]
        return np.asarray(held)

    def keep(self, positions: NDArray[np.intp], tiles: NDArray[np.uint8]) -> None:
        """Keep tiles [B, ...], as many as there is room for."""
        if self._used == len(self._tiles):
            return
        with self._lock:
            new = np.flatnonzero(self._slots[positions] < 0)[: len(self._tiles) - self._used]
            slots = np.arange(self._used, self._used + len(new))
            self._tiles[slots] = tiles[new]
            # Last, so that no other thread takes a tile that is not there yet.
            self._slots[positions[new]] = slots
            self._used += len(new)
