"""Tile maps laid at their real-valued places: raw values, blended by area, NaN where no tile lies.

The one rule: a canvas pixel is the mean of all tile pixels that cover it, each weighted by the area it
covers. Tiles that meet the pixel grid are copied unchanged, overlapping tiles are averaged, tiles at a
fraction of a pixel are neither shifted nor rounded, and a coarser canvas averages.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from tasks.artifacts.attributions import Attributions
from tasks.reporting.maps.canvas import MapCanvas

Floats = NDArray[np.float64]
RawMap = NDArray[np.float32]
_LEAST_AREA = 1e-4
"""SlideBudget of a canvas pixel that must be covered for it to hold a value."""


class Mosaic:
    """Sums of values and of areas on one canvas, filled tile by tile."""

    def __init__(self, canvas: MapCanvas) -> None:
        self.canvas = canvas
        self._sums = np.zeros((canvas.height, canvas.width))
        self._areas = np.zeros((canvas.height, canvas.width))

    def add(self, x_level0: float, y_level0: float, extent_level0: float, tile: NDArray[np.generic]) -> None:
        """Lay ``tile`` [H, W] on the square of side ``extent_level0`` at (x, y); finite values only."""
        c = self.canvas
        rows, down = _shares((y_level0 - c.top) / c.step_y, extent_level0 / c.step_y, tile.shape[0], c.height)
        columns, across = _shares(
            (x_level0 - c.left) / c.step_x, extent_level0 / c.step_x, tile.shape[1], c.width
        )
        self._sums[rows, columns] += down @ tile.astype(np.float64) @ across.T
        self._areas[rows, columns] += np.outer(down.sum(axis=1), across.sum(axis=1))

    def mean(self) -> RawMap:
        """Return float32 [height, width] in raw units, NaN where no tile lies."""
        blank = self._areas < _LEAST_AREA
        values = self._sums / np.where(blank, 1.0, self._areas)
        return np.where(blank, np.nan, values).astype(np.float32)


def stitch(canvas: MapCanvas, tiles: pd.DataFrame, maps: NDArray[np.generic]) -> RawMap:
    """Return the mosaic of ``maps`` [N, H, W], one for each row of ``tiles``, on ``canvas``."""
    mosaic = Mosaic(canvas)
    for square, tile in zip(_squares(tiles), maps, strict=True):
        mosaic.add(*square, tile)
    return mosaic.mean()


def stitch_attributions(
    canvas: MapCanvas, tiles: pd.DataFrame, attributions: Attributions, batch: int = 512
) -> RawMap:
    """Return the mosaic of an attribution set on ``canvas``, reading ``batch`` maps at a time.

    ``tiles`` are the rows of its maps, in their order.
    """
    mosaic = Mosaic(canvas)
    for start in range(0, len(tiles), batch):
        rows = slice(start, start + batch)
        for square, tile in zip(_squares(tiles.iloc[rows]), attributions.maps(rows), strict=True):
            mosaic.add(*square, tile)
    return mosaic.mean()


def smoothed(values: RawMap, sigma: tuple[float, float]) -> RawMap:
    """Return ``values`` [H, W] after a Gaussian of ``sigma`` (rows, columns) pixels; NaN stays NaN."""
    known = np.isfinite(values)
    share = _known_share(known.tobytes(), known.shape, sigma)
    total = gaussian_filter(np.where(known, values, 0.0).astype(np.float64), sigma, mode="constant")
    mean = total / np.where(known, share, 1.0)
    return np.where(known, mean, np.nan).astype(np.float32)


@lru_cache(maxsize=4)
def _known_share(known: bytes, shape: tuple[int, ...], sigma: tuple[float, float]) -> Floats:
    """Return float64 ``shape``: the weight on ``known`` pixels, the same for all maps of a slide."""
    mask = np.frombuffer(known, np.bool_).reshape(shape)
    return np.asarray(gaussian_filter(mask.astype(np.float64), sigma, mode="constant"))


def _squares(tiles: pd.DataFrame) -> Iterator[tuple[float, float, float]]:
    """Yield x, y and extent of each tile, in level-0 pixels."""
    yield from tiles[["x_level0", "y_level0", "extent_level0"]].itertuples(index=False, name=None)


def _shares(start: float, length: float, count: int, limit: int) -> tuple[slice, Floats]:
    """Return the canvas pixels that a row of tile pixels touches, and how much of each.

    Args:
        start: where the row begins, in canvas pixels.
        length: how long it is, in canvas pixels.
        count: how many tile pixels it has.
        limit: canvas pixels along this axis; what lies outside is cut off.

    Returns:
        The slice of n canvas pixels and float64 [n, count], the covered length of each by each.
    """
    first = int(np.floor(round(start, 6)))
    matrix = _overlaps(round(start - first, 6), round(length, 6), count)
    kept = slice(max(first, 0), max(min(first + len(matrix), limit), 0))
    return kept, matrix[kept.start - first : kept.stop - first]


@lru_cache(maxsize=256)
def _overlaps(offset: float, length: float, count: int) -> Floats:
    """Return float64 [n, count]: length that canvas pixel i shares with tile pixel k."""
    cells = np.arange(int(np.ceil(round(offset + length, 6))))[:, None]
    edges = offset + length * np.arange(count + 1) / count
    shared = np.minimum(cells + 1, edges[None, 1:]) - np.maximum(cells, edges[None, :-1])
    return np.asarray(np.clip(shared, 0.0, None), dtype=np.float64)
