"""The grid of possible tiles, in micrometres and floats, in a fixed order."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tasks.slides.geometry import SlideGeometry
from tasks.tiling.recipe import TilingRecipe

_A_HAIR = 1e-6

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Grid:
    """The tiles that fit wholly into the scanned area of a slide.

    Attributes:
        xs: left edges of the columns in level-0 pixels.
        ys: top edges of the rows in level-0 pixels.
        extent: side of a tile in level-0 pixels, measured along x.
    """

    xs: Floats
    ys: Floats
    extent: float

    @cached_property
    def size(self) -> int:
        """How many tiles fit."""
        return len(self.xs) * len(self.ys)


@dataclass(frozen=True)
class TilePositions:
    """The chosen tiles of a grid, row by row from the top, each row from the left.

    Attributes:
        rows: row of each tile, [N].
        columns: column of each tile, [N].
        x: left edge of each tile in level-0 pixels, [N].
        y: top edge of each tile in level-0 pixels, [N].
        extent: side of every tile in level-0 pixels.
    """

    rows: Indices
    columns: Indices
    x: Floats
    y: Floats
    extent: float

    def __len__(self) -> int:
        return len(self.rows)


def lay_grid(geometry: SlideGeometry, recipe: TilingRecipe) -> Grid:
    """Return the grid of a slide.

    It starts at the corner of the scanned area. Column ``i`` starts ``i * stride_um`` from there, computed
    for each column, so errors do not add up. Margins narrower than a tile at the right and lower edge have no
    tile. Both axes use their own micrometres per pixel.
    """
    width_um, height_um = geometry.level0_to_um(geometry.bounds_width, geometry.bounds_height)
    columns_um = _starts(width_um, recipe.tile_um, recipe.stride_um)
    rows_um = _starts(height_um, recipe.tile_um, recipe.stride_um)
    xs, _ = geometry.um_to_level0(columns_um, columns_um)
    _, ys = geometry.um_to_level0(rows_um, rows_um)
    return Grid(geometry.bounds_x + xs, geometry.bounds_y + ys, recipe.tile_um / geometry.mpp)


def choose(grid: Grid, wanted: NDArray[np.bool_]) -> TilePositions:
    """Return the tiles where ``wanted``, bool [rows, columns], is true."""
    rows, columns = np.nonzero(wanted)
    return TilePositions(rows, columns, grid.xs[columns], grid.ys[rows], grid.extent)


def _starts(length_um: float, tile_um: float, stride_um: float) -> Floats:
    count = int(np.floor((length_um - tile_um) / stride_um + _A_HAIR)) + 1
    return np.arange(max(0, count), dtype=np.float64) * stride_um
