"""Stitching: tile maps on a canvas, raw values averaged by area, NaN outside of tiles.

A canvas pixel is the mean of all tile pixels that cover it, weighted by the area they cover. Tiles that meet
the pixel grid are copied unchanged. Overlapping tiles are averaged. Tiles at a fraction of a pixel are
neither shifted nor rounded.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from tasks.functional.pixels import spans
from tasks.reporting.arrays import Floats, RawMap
from tasks.reporting.maps.canvas import MapCanvas
from tasks.reporting.maps.drawn_maps import DrawnMaps

Square = tuple[float, float, float]
"""x, y and side of a tile in level-0 pixels."""

_LEAST_AREA = 1e-4
"""Fraction of a canvas pixel that tiles must cover for it to hold a value."""


class Mosaic:
    """The sums of values and of areas on one canvas, or on some of its rows, filled tile by tile."""

    def __init__(self, canvas: MapCanvas, rows: slice | None = None) -> None:
        self.canvas = canvas
        self._rows = slice(0, canvas.height) if rows is None else rows
        shape = (self._rows.stop - self._rows.start, canvas.width)
        self._sums, self._areas = np.zeros(shape), np.zeros(shape)

    def add(self, square: Square, tile: NDArray[np.generic]) -> None:
        """Add ``tile`` [H, W], finite values, on a square (x, y, side) in level-0 pixels."""
        rows, down, columns, across = self._covered(square, tile.shape)
        # The whole product, also of a tile that only reaches into the rows: each value is the same whatever
        # the rows are.
        self._add(self._sums, rows, columns, down @ tile.astype(np.float64) @ across.T)
        self._add(self._areas, rows, columns, np.outer(down.sum(axis=1), across.sum(axis=1)))

    def add_zeros(self, square: Square, shape: tuple[int, int]) -> None:
        """Add a tile [H, W] of zeros; the sums stay as they are."""
        rows, down, columns, across = self._covered(square, shape)
        self._add(self._areas, rows, columns, np.outer(down.sum(axis=1), across.sum(axis=1)))

    def mean(self) -> RawMap:
        """Return float32 [rows, width] in raw units, NaN outside of tiles."""
        blank = self._areas < _LEAST_AREA
        values = self._sums / np.where(blank, 1.0, self._areas)
        return np.where(blank, np.nan, values).astype(np.float32)

    def _covered(self, square: Square, shape: tuple[int, ...]) -> tuple[slice, Floats, slice, Floats]:
        c, (x, y, side) = self.canvas, square
        rows, down = _covered((y - c.top) / c.step_y, side / c.step_y, shape[0], c.height)
        columns, across = _covered((x - c.left) / c.step_x, side / c.step_x, shape[1], c.width)
        return rows, down, columns, across

    def _add(self, target: Floats, rows: slice, columns: slice, values: Floats) -> None:
        first, last = max(rows.start, self._rows.start), min(rows.stop, self._rows.stop)
        if first < last:
            here = slice(first - self._rows.start, last - self._rows.start)
            target[here, columns] += values[first - rows.start : last - rows.start]


def stitch(canvas: MapCanvas, tiles: pd.DataFrame, maps: NDArray[np.generic]) -> RawMap:
    """Return the mosaic of ``maps`` [N, H, W] on ``canvas``; row i of ``tiles`` locates map i."""
    mosaic = Mosaic(canvas)
    add_tiles(mosaic, tiles, maps)
    return mosaic.mean()


def add_tiles(mosaic: Mosaic, tiles: pd.DataFrame, maps: NDArray[np.generic]) -> None:
    """Add ``maps`` [N, H, W] to a mosaic; row i of ``tiles`` locates map i."""
    for square, tile in zip(squares(tiles), maps, strict=True):
        mosaic.add(square, tile)


def stitch_attributions(
    canvas: MapCanvas, tiles: pd.DataFrame, attributions: DrawnMaps, batch: int = 64
) -> RawMap:
    """Return the mosaic of ``attributions`` on ``canvas``, reading ``batch`` maps at a time.

    Row i of ``tiles`` locates map i.
    """
    mosaic = Mosaic(canvas)
    for span in spans(len(tiles), batch):
        add_tiles(mosaic, tiles.iloc[span], attributions.maps(span))
    return mosaic.mean()


def smoothed(values: RawMap, sigma: tuple[float, float]) -> RawMap:
    """Return ``values`` [H, W] after a Gaussian of ``sigma`` (rows, columns) pixels; NaN stays NaN."""
    finite = np.isfinite(values)
    weight = _finite_weight(finite.tobytes(), finite.shape, sigma)
    total = gaussian_filter(np.where(finite, values, 0.0).astype(np.float64), sigma, mode="constant")
    mean = total / np.where(finite, weight, 1.0)
    return np.where(finite, mean, np.nan).astype(np.float32)


@lru_cache(maxsize=4)
def _finite_weight(finite: bytes, shape: tuple[int, ...], sigma: tuple[float, float]) -> Floats:
    """Return float64 ``shape``: the Gaussian weight on ``finite`` pixels, equal for all maps of a slide."""
    mask = np.frombuffer(finite, np.bool_).reshape(shape)
    return np.asarray(gaussian_filter(mask.astype(np.float64), sigma, mode="constant"))


def squares(tiles: pd.DataFrame) -> Iterator[Square]:
    """Yield x, y and side of each tile in level-0 pixels."""
    yield from tiles[["x_level0", "y_level0", "extent_level0"]].itertuples(index=False, name=None)


def _covered(start: float, length: float, count: int, limit: int) -> tuple[slice, Floats]:
    """Return which canvas pixels a row of tile pixels touches, and how much of each.

    Args:
        start: start of the row, in canvas pixels.
        length: length of the row, in canvas pixels.
        count: number of tile pixels in the row.
        limit: canvas pixels along this axis. Tile pixels beyond them are cut off.

    Returns:
        The slice of n canvas pixels, and float64 [n, count]: the length of canvas pixel i that tile pixel k
        covers.
    """
    first = int(np.floor(round(start, 6)))
    matrix = _overlaps(round(start - first, 6), round(length, 6), count)
    kept = slice(max(first, 0), max(min(first + len(matrix), limit), 0))
    return kept, matrix[kept.start - first : kept.stop - first]


@lru_cache(maxsize=256)
def _overlaps(offset: float, length: float, count: int) -> Floats:
    """Return float64 [n, count]: the length of canvas pixel i that tile pixel k covers."""
    cells = np.arange(int(np.ceil(round(offset + length, 6))))[:, None]
    edges = offset + length * np.arange(count + 1) / count
    length_in_both = np.minimum(cells + 1, edges[None, 1:]) - np.maximum(cells, edges[None, :-1])
    return np.asarray(np.clip(length_in_both, 0.0, None), dtype=np.float64)
