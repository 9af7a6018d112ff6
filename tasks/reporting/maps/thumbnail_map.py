"""Maps as they are drawn: stitched on the thumbnail of a slide and smoothed, still in raw units."""

from dataclasses import dataclass

import pandas as pd

from tasks.artifacts.tile_set import TileSet
from tasks.reporting.arrays import RawMap
from tasks.reporting.maps.canvas import MapCanvas, thumbnail_canvas
from tasks.reporting.maps.drawn_maps import DrawnMaps
from tasks.reporting.maps.job import HeatmapError
from tasks.reporting.maps.stitch import smoothed, stitch_attributions
from tasks.slides.geometry import SlideGeometry


@dataclass(frozen=True)
class DrawingSurface:
    """Where maps are drawn: a canvas and the smoothing ``sigma`` in its pixels (rows, columns)."""

    canvas: MapCanvas
    sigma: tuple[float, float]


def drawing_surface(geometry: SlideGeometry, smoothing_um: float) -> DrawingSurface:
    """Return the thumbnail as a surface; ``smoothing_um`` is a standard deviation in micrometres."""
    x, y = geometry.level0_to_thumbnail(*geometry.um_to_level0(smoothing_um, smoothing_um))
    return DrawingSurface(thumbnail_canvas(geometry), (y, x))


def thumbnail_map(surface: DrawingSurface, tiles: pd.DataFrame, attributions: DrawnMaps) -> RawMap:
    """Return the drawn map, float32 [h, w]; row i of ``tiles`` locates map i."""
    return smoothed(stitch_attributions(surface.canvas, tiles, attributions), surface.sigma)


def mapped_tiles(tiles: TileSet, attributions: DrawnMaps, where: str) -> pd.DataFrame:
    """Return the rows of ``tiles`` that have a map, in the order of the maps.

    Raises:
        HeatmapError: the tile set does not hold the tile of a map. ``where`` begins the sentence.
    """
    table: pd.DataFrame = tiles.table
    rows = pd.Index(table["tile_id"]).get_indexer(pd.Index(attributions.index["tile_id"]))
    if (rows < 0).any():
        raise HeatmapError(
            f"{where}: {int((rows < 0).sum())} maps are of tiles that the slide's tile set does not hold"
        )
    return table.take(rows)
