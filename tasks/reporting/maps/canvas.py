"""Canvases: pixel grids over level-0 space that say where a stitched map lies on the slide."""

import math

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from tasks.slides.geometry import SlideGeometry


class MapCanvas(BaseModel):
    """A regular pixel grid over level-0 space.

    Pixel (column, row) covers ``step_x`` level-0 pixels from ``left + column * step_x`` on, and ``step_y``
    from ``top + row * step_y`` on.

    Attributes:
        left: level-0 x of the left edge; may be a fraction, as may the next three.
        top: level-0 y of the upper edge.
        step_x: width of a canvas pixel in level-0 pixels.
        step_y: height of a canvas pixel in level-0 pixels.
        width: columns of the canvas.
        height: rows of the canvas.
    """

    model_config = ConfigDict(frozen=True)

    left: float
    top: float
    step_x: float
    step_y: float
    width: int
    height: int


def thumbnail_canvas(geometry: SlideGeometry) -> MapCanvas:
    """Return the canvas whose pixels are the pixels of ``thumbnail.png``."""
    corners_x = np.array([0.0, geometry.thumbnail_width])
    corners_y = np.array([0.0, geometry.thumbnail_height])
    x, y = geometry.thumbnail_to_level0(corners_x, corners_y)
    return MapCanvas(
        left=float(x[0]),
        top=float(y[0]),
        step_x=float(x[1] - x[0]) / geometry.thumbnail_width,
        step_y=float(y[1] - y[0]) / geometry.thumbnail_height,
        width=geometry.thumbnail_width,
        height=geometry.thumbnail_height,
    )


def analysis_canvas(tiles: pd.DataFrame, tile_px: int, max_side_px: int) -> MapCanvas:
    """Return the canvas that covers ``tiles`` at the resolution of the network.

    Args:
        tiles: rows with x_level0, y_level0 and extent_level0; at least one.
        tile_px: side of a tile in pixels.
        max_side_px: longest side of the canvas. A longer one gets larger pixels, by the smallest whole factor
            that fits.
    """
    left, top = float(tiles["x_level0"].min()), float(tiles["y_level0"].min())
    across = float((tiles["x_level0"] + tiles["extent_level0"]).max()) - left
    down = float((tiles["y_level0"] + tiles["extent_level0"]).max()) - top
    fine = float(tiles["extent_level0"].iloc[0]) / tile_px
    step = fine * max(1, _whole(max(across, down) / fine / max_side_px))
    return MapCanvas(
        left=left, top=top, step_x=step, step_y=step, width=_whole(across / step), height=_whole(down / step)
    )


def _whole(pixels: float) -> int:
    """Round up, but ignore rounding errors just above a whole number."""
    return math.ceil(round(pixels, 6))
