"""Slides of which there are features and no pixels: their tiles have places, and nothing to show."""

import numpy as np

from tasks.artifacts.tile_set import TileSet
from tasks.reporting.arrays import Rgb
from tasks.reporting.maps.canvas import MapCanvas
from tasks.reporting.maps.stitch import stitch
from tasks.slides.info import read_info

_GREY = np.uint8(205)


def is_bare(tiles: TileSet) -> bool:
    """Return whether there is no pixel to show: no tile was read, or a feature file stands for the slide."""
    return not len(tiles.usable) or read_info(tiles.folder).reader == "features"


def has_pixels(tiles: TileSet) -> bool:
    """Return whether any tile can be shown."""
    return not is_bare(tiles) and (tiles.keeps_pixels or tiles.source is not None)


def placed_tiles(tiles: TileSet) -> int:
    """Return how many tiles may have a value: those that could be read, or all where none has pixels."""
    return len(tiles.usable) or len(tiles.table)


def with_grey_squares(picture: Rgb, canvas: MapCanvas, tiles: TileSet) -> Rgb:
    """Return the picture of a slide without pixels, which is white, with grey where tiles lie."""
    covered = np.isfinite(stitch(canvas, tiles.table, np.zeros((len(tiles.table), 1, 1))))
    return np.where(covered[..., None], _GREY, picture)
