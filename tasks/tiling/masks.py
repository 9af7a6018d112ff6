"""Masks at tile resolution: a tile pixel has the value found at its centre."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image

from tasks.slides.errors import SlideError
from tasks.slides.geometry import SlideGeometry
from tasks.slides.outline import POLYGONAL
from tasks.tiling.areas import ClassArea, Geometries
from tasks.tiling.grid import Floats, TilePositions

Mask = NDArray[np.uint8]


def sample_mask(
    mask: NDArray[np.bool_], downsample: tuple[float, float], positions: TilePositions, tile_px: int
) -> Iterator[Mask]:
    """Yield the part of a slide-wide mask under each tile, uint8 [tile_px, tile_px] of 0 and 1.

    Args:
        mask: bool [h, w], starts at the slide's corner; nothing is set outside it.
        downsample: level-0 pixels per mask pixel along x and y.
        positions: the tiles.
        tile_px: side of a tile in pixels.
    """
    centres = _centres(positions.extent, tile_px)
    padded = np.pad(mask, ((0, 1), (0, 1))).astype(np.uint8)
    for x, y in zip(positions.x, positions.y, strict=True):
        columns = _indices((x + centres) / downsample[0], mask.shape[1])
        rows = _indices((y + centres) / downsample[1], mask.shape[0])
        yield padded[np.ix_(rows, columns)]


def annotation_masks(
    areas: Sequence[ClassArea], covered: Floats, tiles: Geometries, tile_px: int
) -> Iterator[Mask]:
    """Yield the class index at each pixel of each tile, uint8 [tile_px, tile_px], 0 outside all outlines.

    Args:
        areas: the outlined classes; they do not overlap.
        covered: how much of each tile each of them covers, [N, classes - 1].
        tiles: the tiles as shapely boxes, [N].
        tile_px: side of a tile in pixels.
    """
    for tile, shares in zip(tiles, covered, strict=True):
        mask = np.zeros((tile_px, tile_px), dtype=np.uint8)
        for area, share in zip(areas, shares, strict=True):
            if share == 1:
                mask[:] = area.class_index
            elif share > 0:
                mask[_inside(area, tile, tile_px)] = area.class_index
        yield mask


def load_mark(path: Path, geometry: SlideGeometry) -> tuple[NDArray[np.bool_], tuple[float, float]]:
    """Return an image of marks as bool [h, w] with its level-0 pixels per pixel along x and y.

    The image covers the whole slide; any value but 0, in any channel but alpha, is a mark.

    Raises:
        SlideError: not an image, or its sides do not have the slide's proportions (to one pixel).
    """
    try:
        with Image.open(path) as image:
            mask = _nonzero(np.asarray(image), image.getbands())
    except (OSError, Image.DecompressionBombError) as error:
        raise SlideError(
            f"{path.name} is no image that can be read: {error}".replace(str(path), path.name)
        ) from error
    height, width = mask.shape
    scale = geometry.width_level0 / width
    if abs(height - geometry.height_level0 / scale) > 1:
        raise SlideError(
            f"{path.name}: {width} x {height} px do not cover a slide of "
            f"{geometry.width_level0} x {geometry.height_level0} px; both sides must shrink alike"
        )
    return mask, (scale, scale)


def _nonzero(values: NDArray[np.generic], bands: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return where any band but alpha is set; of a palette image the indices count, not the colours."""
    stacked = values.reshape(*values.shape[:2], len(bands))
    coloured = [i for i, band in enumerate(bands) if band != "A"]
    found: NDArray[np.bool_] = (stacked[..., coloured] != 0).any(axis=-1)
    return found


def _inside(area: ClassArea, tile: shapely.Polygon, tile_px: int) -> NDArray[np.bool_]:
    inside = area.within(tile)
    left, top, right, _ = tile.bounds
    centres = _centres(right - left, tile_px)
    xs, ys = np.meshgrid(left + centres, top + centres)
    polygons = [part for part in shapely.get_parts(inside) if part.geom_type in POLYGONAL]
    merged = shapely.multipolygons(polygons)
    shapely.prepare(merged)
    found: NDArray[np.bool_] = shapely.contains_xy(merged, xs, ys)
    return found


def _centres(extent: float, tile_px: int) -> Floats:
    return (np.arange(tile_px, dtype=np.float64) + 0.5) * (extent / tile_px)


def _indices(positions: Floats, size: int) -> NDArray[np.intp]:
    """Return the pixel under each position; positions outside get ``size``, which is the empty padding."""
    found = np.floor(positions).astype(np.intp)
    return np.where((found < 0) | (found >= size), size, found)
