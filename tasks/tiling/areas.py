"""The outlined area of each class on one slide, with fast queries for many tiles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from tasks.slides.outline import Outline
from tasks.tiling.grid import Floats
from tasks.tiling.names import class_indices
from tasks.tiling.recipe import TilingRecipe

Geometries = NDArray[np.object_]


@dataclass(frozen=True)
class ClassArea:
    """The outlines of one class as separate polygons in level-0 pixels, with a search tree.

    Attributes:
        class_index: its index in the recipe's classes; never 0, which is what lies outside.
        polygons: the polygons, which do not overlap.
        tree: finds the parts near a tile.
    """

    class_index: int
    polygons: Geometries
    tree: shapely.STRtree

    def coverage(self, tiles: Geometries) -> Floats:
        """Return the exact share of each tile (shapely boxes, [N]) that lies in this area, float64 [N]."""
        covered = np.zeros(len(tiles))
        tile, part = self.tree.query(tiles, predicate="intersects")
        whole = shapely.covers(self.polygons[part], tiles[tile])
        covered[tile[whole]] = 1.0
        tile, part = tile[~whole], part[~whole]
        cut = shapely.area(shapely.intersection(self.polygons[part], tiles[tile])) / shapely.area(tiles[tile])
        np.add.at(covered, tile, cut)
        shares: Floats = np.clip(covered, 0.0, 1.0)
        return shares

    def within(self, tile: shapely.Polygon) -> shapely.Geometry:
        """Return the part of this area that lies in one tile."""
        near = self.polygons[self.tree.query(tile, predicate="intersects")]
        return shapely.union_all(shapely.intersection(near, tile))


def class_areas(outlines: Sequence[Outline], recipe: TilingRecipe, where: str) -> tuple[ClassArea, ...]:
    """Return the area of each class but the first, in class order.

    Where outlines of several classes overlap, the later class of the recipe wins; an outline of the first
    class is cut out of all others.

    Raises:
        SlideError: an outline's name is not a class.
    """
    classes = range(1, len(recipe.classes))
    indices = class_indices(outlines, recipe, where)
    taken = _union(outlines, indices, 0)
    areas: list[ClassArea] = []
    for index in reversed(classes):
        own = shapely.difference(_union(outlines, indices, index), taken)
        taken = shapely.union(taken, own)
        areas.append(_class_area(index, own))
    return tuple(reversed(areas))


def tile_boxes(x: Floats, y: Floats, extent: float) -> Geometries:
    """Return the squares at (x, y) with side ``extent`` as shapely boxes, [N]."""
    boxes: Geometries = np.atleast_1d(shapely.box(x, y, x + extent, y + extent))
    return boxes


def _union(outlines: Sequence[Outline], indices: Sequence[int | None], wanted: int) -> shapely.Geometry:
    chosen = [outline.polygon for outline, index in zip(outlines, indices, strict=True) if index == wanted]
    return shapely.union_all(chosen)


def _class_area(index: int, area: shapely.Geometry) -> ClassArea:
    parts = shapely.get_parts(area)
    parts = parts[shapely.area(parts) > 0]
    shapely.prepare(parts)
    return ClassArea(index, parts, shapely.STRtree(parts))
