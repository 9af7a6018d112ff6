"""Tiles with the pixels around them, cut out of an open slide."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.tile_masks import Colour
from tasks.slides.geometry import SlideGeometry
from tasks.slides.pixels import Rgb
from tasks.slides.reader import SlideReader

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Halo:
    """What is read around a tile.

    Attributes:
        halo_px: pixels on each side, at the resolution of the tiles.
        tile_px: side of a tile in pixels.
        extent: side of a tile in level-0 pixels.
        background: the colour of what lies outside of the scanned area, or cannot be read.
    """

    halo_px: int
    tile_px: int
    extent: float
    background: Colour

    @property
    def side(self) -> int:
        """Side of a square in pixels."""
        return self.tile_px + 2 * self.halo_px

    @property
    def inner(self) -> tuple[slice, slice]:
        """Where the tile lies in a square."""
        span = slice(self.halo_px, self.halo_px + self.tile_px)
        return span, span

    def read(self, slide: SlideReader, x: Floats, y: Floats) -> tuple[Rgb, NDArray[np.bool_]]:
        """Return the squares around the tiles at (x, y), [N], in level-0 pixels.

        Returns:
            uint8 [N, side, side, 3], and where a square could be read, [N]; others have one colour.
        """
        step = self.extent / self.tile_px
        left, top = x - self.halo_px * step, y - self.halo_px * step
        squares, reasons = slide.read_tiles(left, top, self.side * step, self.side)
        read = np.array([not reason for reason in reasons], dtype=np.bool_)
        squares[~read] = self.background
        centres = step * (np.arange(self.side, dtype=np.float64) + 0.5)
        for square, beside, above in zip(
            squares, *self._outside(slide.geometry, left, top, centres), strict=True
        ):
            square[:, beside] = self.background
            square[above] = self.background
        return squares, read

    def _outside(
        self, geometry: SlideGeometry, left: Floats, top: Floats, centres: Floats
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which columns and which rows of each square lie outside of the scanned area, [N, side]."""
        across = centres - (geometry.bounds_x - left)[:, None]
        down = centres - (geometry.bounds_y - top)[:, None]
        return (
            (across < 0) | (across > geometry.bounds_width),
            (down < 0) | (down > geometry.bounds_height),
        )
