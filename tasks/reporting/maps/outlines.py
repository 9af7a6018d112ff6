"""Annotated outlines on a canvas, traced from the masks of the tiles, a block of tiles at a time."""

from dataclasses import dataclass

import numpy as np
from skimage.measure import find_contours

from tasks.artifacts.tile_set import TileSet
from tasks.functional.pixels import spans
from tasks.reporting.arrays import Floats
from tasks.reporting.maps.canvas import MapCanvas
from tasks.reporting.maps.stitch import Mosaic, squares

_BLOCK = 64
"""Masks in memory at once."""


@dataclass(frozen=True)
class Outlines:
    """Annotated outlines as lines [n, 2] of (x, y) canvas pixels, from the upper left corner of the canvas.

    Attributes:
        inside: ends at the edge of the tiles, as the annotation beyond them is not stored.
        closed: follows the edge of the tiles there.
        annotated: whether any tile is annotated; an area may be too small for a line on the canvas.
    """

    inside: tuple[Floats, ...] = ()
    closed: tuple[Floats, ...] = ()
    annotated: bool = False


def outlines_on(canvas: MapCanvas, tiles: TileSet) -> Outlines:
    """Return the annotated outlines, traced from the annotation masks of the tiles."""
    annotated = tiles.outlined
    if not annotated.any():
        return Outlines()
    mosaic, mask = Mosaic(canvas), tiles.annotation_mask
    shape = (int(mask.shape[1]), int(mask.shape[2]))
    table = tiles.table[["x_level0", "y_level0", "extent_level0"]]
    for square in squares(table[~annotated]):
        mosaic.add_zeros(square, shape)
    rows = np.flatnonzero(annotated)
    for span in spans(len(rows), _BLOCK):
        for square, own in zip(squares(table.iloc[rows[span]]), mask[rows[span]], strict=True):
            mosaic.add(square, own > 0)
    covered = mosaic.mean()
    # A frame of zeros closes lines at the border; +0.5 turns pixel centres into positions.
    closed = find_contours(np.pad(np.nan_to_num(covered), 1), 0.5)
    return Outlines(
        inside=tuple(line[:, ::-1] + 0.5 for line in find_contours(covered, 0.5)),
        closed=tuple(line[:, ::-1] - 0.5 for line in closed),
        annotated=True,
    )
