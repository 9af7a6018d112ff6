"""A picture of a whole slide with a class or a mark per pixel, and the part of it under each tile."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.tile_array import Chosen, is_one, row_numbers

Mask = NDArray[np.uint8]
Floats = NDArray[np.float64]

_HELD = 4
"""Pictures in memory at once, for all slides together; one of a whole slide may have 50 MB."""


@dataclass(frozen=True)
class Squares:
    """Where the tiles of a slide lie.

    Attributes:
        x: left edges in level-0 pixels, [N].
        y: top edges in level-0 pixels, [N].
        extent: side in level-0 pixels.
        tile_px: side in tile pixels.
    """

    x: Floats
    y: Floats
    extent: float
    tile_px: int

    def __len__(self) -> int:
        return len(self.x)

    @property
    def centres(self) -> Floats:
        """[tile_px] the centres of the tile pixels, in level-0 pixels from the tile's edge."""
        return (np.arange(self.tile_px, dtype=np.float64) + 0.5) * (self.extent / self.tile_px)


def write_picture(path: Path, values: NDArray[np.uint8] | NDArray[np.bool_]) -> None:
    """Write uint8 or bool [h, w] as a gray PNG without loss; True is written as 255, to be seen by eye."""
    shown = values.astype(np.uint8) * 255 if values.dtype == np.bool_ else values
    path.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(shown), level=6))


def read_picture(path: Path) -> Mask:
    """Return uint8 [h, w]. The pictures used last stay in memory."""
    stat = path.stat()
    return _picture(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=_HELD)
def _picture(path: Path, _written: int, _size: int) -> Mask:
    values: Mask = imagecodecs.png_decode(path.read_bytes())
    values.setflags(write=False)
    return values


@dataclass(frozen=True)
class SquareMasks(ABC):
    """uint8 [N, tile_px, tile_px]: one mask per tile, made when it is asked for.

    Attributes:
        squares: the tiles.
    """

    squares: Squares

    @property
    def shape(self) -> tuple[int, ...]:
        """[N, tile_px, tile_px]."""
        return (len(self.squares), self.squares.tile_px, self.squares.tile_px)

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8."""
        return np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self.squares)

    def __getitem__(self, rows: Chosen, /) -> Mask:
        """Return the masks of one tile, or of some."""
        chosen = row_numbers(rows, len(self))
        out = np.zeros((len(chosen), *self.shape[1:]), np.uint8)
        for place, mask in enumerate(self._masks(chosen)):
            out[place] = mask
        return out[0] if is_one(rows) else out

    @abstractmethod
    def _masks(self, chosen: NDArray[np.intp]) -> Iterator[NDArray[Any]]:
        """Yield the masks of the chosen tiles, each [tile_px, tile_px]."""


@dataclass(frozen=True)
class SampledPicture(SquareMasks):
    """The picture under each tile, each pixel with the value at its centre.

    Nothing is set outside of the picture.

    Attributes:
        path: the picture; it covers the whole slide from its corner.
        downsample: level-0 pixels per pixel of the picture along x and y.
        binary: whether all values but 0 count as 1.
    """

    path: Path
    downsample: tuple[float, float]
    binary: bool

    def _masks(self, chosen: NDArray[np.intp]) -> Iterator[NDArray[Any]]:
        for mask in sampled(read_picture(self.path), self.downsample, self.squares, chosen):
            yield mask > 0 if self.binary else mask


def sampled(
    picture: NDArray[Any], downsample: tuple[float, float], squares: Squares, chosen: NDArray[np.intp]
) -> Iterator[NDArray[Any]]:
    """Yield the part of a picture of the whole slide under each chosen tile, [tile_px, tile_px].

    Args:
        picture: [h, w], starts at the slide's corner; it is 0 outside.
        downsample: level-0 pixels per pixel of the picture along x and y.
        squares: the tiles.
        chosen: which of them.
    """
    height, width = picture.shape
    centres = squares.centres
    for x, y in zip(squares.x[chosen], squares.y[chosen], strict=True):
        columns, beside = _indices((x + centres) / downsample[0], width)
        rows, above = _indices((y + centres) / downsample[1], height)
        found = picture[np.ix_(rows, columns)]
        if beside.any() or above.any():
            found[:, beside] = 0
            found[above] = 0
        yield found


def _indices(positions: Floats, size: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the pixel under each position, and which positions lie outside."""
    found = np.floor(positions).astype(np.intp)
    outside = (found < 0) | (found >= size)
    return np.where(outside, 0, found), outside
