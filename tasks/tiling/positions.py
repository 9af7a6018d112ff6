"""Tiles at stated positions in place of a grid, and the positions of a TileSet as a file for other tools."""

from pathlib import Path

import numpy as np

from tasks.artifacts.tile_set import TileSet
from tasks.slides.coordinates import Layout, TileSide, read_coordinates, write_coordinates
from tasks.slides.errors import SlideError
from tasks.slides.geometry import SlideGeometry
from tasks.slides.info import read_info
from tasks.tiling.grid import TilePositions
from tasks.tiling.recipe import TilingRecipe

_TOLERANCE = 0.02


def stated_positions(path: Path, geometry: SlideGeometry, recipe: TilingRecipe, where: str) -> TilePositions:
    """Return the tiles of a coordinate file, in its order.

    Raises:
        SlideError: the file cannot be used, or its tiles are larger or smaller than those of the recipe by
            more than 2 %.
    """
    found = read_coordinates(path, geometry)
    side_um = found.extent * geometry.mpp
    if abs(side_um / recipe.tile_um - 1) > _TOLERANCE:
        raise SlideError(
            f"{where}: the tiles of {path.name} are {found.extent:g} level-0 px, {side_um:.1f} um at "
            f"{geometry.mpp:g} um/px, and tile_px {recipe.tile_px} at mpp {recipe.mpp:g} are "
            f"{recipe.tile_um:g} um; {_TOLERANCE:.0%} are allowed. Tools that count in magnifications make "
            f"tiles of another size than they say; mpp {side_um / recipe.tile_px:.4g} is that of this file"
        )
    rows = np.floor((found.y - geometry.bounds_y) / found.extent).astype(np.intp)
    columns = np.floor((found.x - geometry.bounds_x) / found.extent).astype(np.intp)
    return TilePositions(rows, columns, found.x, found.y, found.extent)


def export_coordinates(tiles: TileSet, path: Path, layout: Layout = "trident") -> int:
    """Write where the tiles of a slide lie, for CLAM or TRIDENT, and return how many there are.

    Args:
        tiles: the tiles of one slide; unreadable ones are left out.
        path: the file to write.
        layout: ``clam`` or ``trident``: whose attributes it gets.
    """
    geometry = read_info(tiles.folder).geometry
    table = tiles.table.iloc[tiles.usable]
    x, y = (table[name].to_numpy(dtype=np.float64) for name in ("x_level0", "y_level0"))
    extent = float(tiles.table["extent_level0"].iloc[0])
    side = TileSide(
        pixels=round(extent * geometry.mpp / float(tiles.table["mpp"].iloc[0])),
        level0=extent,
        stride_level0=_stride(x, y, extent),
    )
    write_coordinates(path, x, y, side, layout, geometry)
    return len(table)


def _stride(x: np.ndarray, y: np.ndarray, extent: float) -> float:
    """Return the least distance of two columns or rows; that of tiles edge to edge where there is but one."""
    steps = np.concatenate([np.diff(np.unique(x)), np.diff(np.unique(y)), [extent]])
    return float(steps.min())
