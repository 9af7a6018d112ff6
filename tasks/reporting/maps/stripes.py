"""A stitched map from top to bottom, some rows of the canvas at a time: it need not fit into memory."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.reporting.arrays import RawMap
from tasks.reporting.maps.canvas import MapCanvas
from tasks.reporting.maps.stitch import Mosaic, squares

_BLOCK = 64
"""Maps in memory at once."""


def stripes(
    canvas: MapCanvas, tiles: pd.DataFrame, read: Callable[[slice], NDArray[np.generic]], height: int
) -> Iterator[RawMap]:
    """Yield float32 [rows, width]: the mosaic on ``canvas`` in stripes of ``height`` rows, the last less.

    Together they are what :func:`tasks.reporting.maps.stitch.stitch` gives, bit for bit. A map that lies in
    several stripes is read for each of them. Tiles that lie in rows of the slide, one after the other, are
    read almost once.

    Args:
        canvas: where the map is stitched.
        tiles: row i locates map i.
        read: returns the maps [n, H, W] of a slice of rows.
        height: rows of a stripe; at least 1.
    """
    table = tiles[["x_level0", "y_level0", "extent_level0"]]
    top = (table["y_level0"].to_numpy(dtype=np.float64) - canvas.top) / canvas.step_y
    bottom = top + table["extent_level0"].to_numpy(dtype=np.float64) / canvas.step_y
    for start in range(0, canvas.height, height):
        rows = slice(start, min(start + height, canvas.height))
        mosaic = Mosaic(canvas, rows)
        # A pixel more on each side, as positions are rounded before they are compared with the canvas.
        here = np.flatnonzero((bottom > rows.start - 1) & (top < rows.stop + 1))
        for block in np.unique(here // _BLOCK):
            some = here[here // _BLOCK == block]
            maps = read(slice(block * _BLOCK, (block + 1) * _BLOCK))
            for square, row in zip(squares(table.iloc[some]), some, strict=True):
                mosaic.add(square, maps[row - block * _BLOCK])
        yield mosaic.mean()
