"""A pyramid of one plane, made from stripes of its finest level; coarser levels wait in a file."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Self

import numpy as np
from numpy.typing import NDArray

from tasks.reporting.arrays import RawMap
from tasks.reporting.maps.mean_downsample import mean_downsample

TILE = 256
"""Side of the squares that a level is cut into."""
_SMALLEST_PX = 512
"""The pyramid ends with the first level whose sides are at most this long."""


@dataclass(frozen=True)
class PyramidShape:
    """The sizes of the levels; each is exactly half as long as the one before, as the finest is padded.

    Attributes:
        height: rows of the plane, not padded.
        width: its columns.
    """

    height: int
    width: int

    @property
    def halvings(self) -> int:
        """How many levels there are beside the finest."""
        return int(max(0, np.ceil(np.log2(max(self.height, self.width) / _SMALLEST_PX))))

    @property
    def levels(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of each level, the finest first."""
        step = 2**self.halvings
        height, width = (-(-size // step) * step for size in (self.height, self.width))
        return tuple((height >> level, width >> level) for level in range(self.halvings + 1))

    @property
    def stripe(self) -> int:
        """Rows of the finest level that are in memory at once: whole squares, and whole rows of any level."""
        return max(TILE, 1 << self.halvings)


class Pyramid:
    """The coarser levels of some planes, kept in temporary files below ``folder`` until they are written.

    Used in a ``with`` block, at whose end the files are gone.
    """

    def __init__(self, shape: PyramidShape, folder: Path) -> None:
        self._shape, self._folder = shape, folder
        self._files: list[IO[bytes]] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for _ in self._shape.levels[1:]:
            self._files.append(self._stack.enter_context(TemporaryFile(dir=self._folder)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def finest(self, stripes: Iterable[RawMap]) -> Iterator[RawMap]:
        """Yield the squares of the finest level of one plane, and keep its coarser levels.

        Args:
            stripes: of ``shape.stripe`` rows, the last less.
        """
        height, width = self._shape.levels[0]
        start = 0
        for stripe in stripes:
            rows = min(self._shape.stripe, height - start)
            padding = ((0, rows - len(stripe)), (0, width - stripe.shape[1]))
            padded = np.pad(stripe, padding, constant_values=np.nan)
            coarse = padded
            # Before the squares: whoever takes as many as there are does not come back after the last.
            for file in self._files:
                coarse = mean_downsample(coarse, 2)
                file.write(coarse.tobytes())
            yield from _squares(padded)
            start += rows

    def coarser(self, level: int) -> Iterator[RawMap]:
        """Yield the squares of level ``level``, 1 or more, of all planes after each other."""
        height, width = self._shape.levels[level]
        file = self._files[level - 1]
        planes = file.tell() // (4 * height * width)
        file.seek(0)
        for _ in range(planes):
            for start in range(0, height, TILE):
                rows = min(TILE, height - start)
                held = np.frombuffer(file.read(4 * rows * width), np.float32)
                yield from _squares(held.reshape(rows, width))


def _squares(stripe: NDArray[np.float32]) -> Iterator[RawMap]:
    """Yield the squares of a stripe, row by row; at the edges of a level they are filled with zeros."""
    for top in range(0, len(stripe), TILE):
        for left in range(0, stripe.shape[1], TILE):
            own = stripe[top : top + TILE, left : left + TILE]
            yield np.pad(own, ((0, TILE - own.shape[0]), (0, TILE - own.shape[1])))
