"""The outlined areas of a slide as polygons, and the class that each pixel of a tile lies in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from tasks.artifacts.slide_picture import Mask, SquareMasks, Squares

_AREAS = frozenset({"Polygon", "MultiPolygon"})


@dataclass(frozen=True)
class OutlinedAreas:
    """Polygons that do not overlap, in level-0 pixels, and the class of each.

    Attributes:
        polygons: shapely geometries, [P].
        classes: class indices, never 0, [P].
    """

    polygons: NDArray[np.object_]
    classes: NDArray[np.uint8]

    def write(self, path: Path) -> None:
        """Write them as Parquet: class_index, and the polygon as well-known binary."""
        table = {"class_index": self.classes, "polygon": list(shapely.to_wkb(self.polygons))}
        pd.DataFrame(table).to_parquet(path, index=False, compression="zstd")

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Finds the polygons near a tile."""
        shapely.prepare(self.polygons)
        return shapely.STRtree(self.polygons)

    def mask(self, tile: shapely.Polygon, squares: Squares) -> Mask:
        """Return uint8 [tile_px, tile_px]: the class at the centre of each pixel of a tile, 0 outside."""
        found = np.zeros((squares.tile_px, squares.tile_px), np.uint8)
        near = self.tree.query(tile, predicate="intersects")
        for index in np.unique(self.classes[near]):
            own = self.polygons[near[self.classes[near] == index]]
            if shapely.covers(own, tile).any():
                found[:] = index
            else:
                found[_inside(shapely.union_all(shapely.intersection(own, tile)), tile, squares)] = index
        return found


def read_outlined(path: Path) -> OutlinedAreas:
    """Return the areas in a file of :meth:`OutlinedAreas.write`."""
    table = pd.read_parquet(path)
    polygons = shapely.from_wkb(table["polygon"].to_numpy(dtype=object))
    return OutlinedAreas(np.atleast_1d(polygons), table["class_index"].to_numpy(dtype=np.uint8))


def areas_by_class(parts: Sequence[tuple[int, NDArray[np.object_]]]) -> OutlinedAreas:
    """Return the polygons of several classes, given as (class index, polygons)."""
    polygons = [polygon for _, own in parts for polygon in own]
    classes = [index for index, own in parts for _ in own]
    held = np.empty(len(polygons), dtype=object)
    held[:] = polygons
    return OutlinedAreas(held, np.array(classes, dtype=np.uint8))


@dataclass(frozen=True)
class OutlinedMask(SquareMasks):
    """The class that was outlined at each pixel of each tile, 0 where none was.

    Attributes:
        areas: the outlined areas.
    """

    areas: OutlinedAreas

    def _masks(self, chosen: NDArray[np.intp]) -> Iterator[Mask]:
        x, y, extent = self.squares.x[chosen], self.squares.y[chosen], self.squares.extent
        for box in np.atleast_1d(shapely.box(x, y, x + extent, y + extent)):
            yield self.areas.mask(box, self.squares)


def _inside(area: shapely.Geometry, tile: shapely.Polygon, squares: Squares) -> NDArray[np.bool_]:
    left, top, _, _ = tile.bounds
    xs, ys = np.meshgrid(left + squares.centres, top + squares.centres)
    # Where a polygon only touches the tile, what they share is a line or a point.
    parts = [part for part in shapely.get_parts(area) if part.geom_type in _AREAS]
    merged = shapely.multipolygons(parts) if parts else shapely.MultiPolygon()
    shapely.prepare(merged)
    found: NDArray[np.bool_] = shapely.contains_xy(merged, xs, ys)
    return found
