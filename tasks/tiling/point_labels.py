"""Labels of tiles from labelled points."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from tasks.artifacts.tile_set import MIXED
from tasks.slides.errors import SlideError
from tasks.slides.geometry import SlideGeometry
from tasks.slides.points import PointColumns, read_points
from tasks.slides.row import SlideRow
from tasks.tiling.grid import Floats, TilePositions
from tasks.tiling.label_recipes import PointsRecipe
from tasks.tiling.names import ignored_names, indices_of
from tasks.tiling.recipe import TilingRecipe

BETWEEN = -1
"""The class index of a point whose number lies between the classes."""


@dataclass(frozen=True)
class ClassPoints:
    """The points of one slide that mean something.

    Attributes:
        x: position in level-0 pixels to the right, float64 [N].
        y: position in level-0 pixels downwards, float64 [N].
        classes: class index, ``BETWEEN`` where a number lies between the classes, int64 [N].
        read: how many points of the slide the table has.
        names: {label in the table: how many}; empty where a number decides.
        left_out: {why: how many} of those that mean nothing.
    """

    x: Floats
    y: Floats
    classes: NDArray[np.int64]
    read: int
    names: dict[str, int]
    left_out: dict[str, int]

    def counts(self, names: Sequence[str], chosen: NDArray[np.bool_]) -> dict[str, float]:
        """Return {class: how many} of the ``chosen`` points, bool [N]; ``mixed`` lie between the classes."""
        seen = self.classes[chosen]
        between = {MIXED: float((seen == BETWEEN).sum())} if (self.classes == BETWEEN).any() else {}
        return {name: float((seen == i).sum()) for i, name in enumerate(names)} | between


def load_points(row: SlideRow, path: Path, recipe: TilingRecipe) -> ClassPoints:
    """Return the points of a slide with their classes.

    Raises:
        SlideError: the table cannot be read, a label is no class, or a number is none.
    """
    wanted = recipe.points
    columns = PointColumns(wanted.x, wanted.y, wanted.value or wanted.label, wanted.slide)
    table = read_points(path, columns, {row.slide_id, Path(row.path).name})
    where = f"{row.slide_id}: {path.name}"
    if wanted.value is None:
        indices = indices_of([(text, False) for text in table.texts], recipe, where, "points")
        names, left_out = Counter(table.texts), ignored_names(table.texts, indices)
    else:
        indices = [_class_of(text, wanted, recipe, where) for text in table.texts]
        names, left_out = Counter[str](), _counted(f"no {wanted.value}", indices)
    meant = np.array([index is not None for index in indices], dtype=bool)
    classes = np.array([index for index in indices if index is not None], dtype=np.int64)
    return ClassPoints(
        table.x[meant], table.y[meant], classes, len(indices), dict(sorted(names.items())), left_out
    )


def labels_from_points(
    points: ClassPoints, positions: TilePositions, geometry: SlideGeometry, recipe: TilingRecipe
) -> list[str]:
    """Return one label per tile: that of its points, ``mixed`` where they differ, "" where it has none.

    A point between the classes makes its tile ``mixed``.
    """
    if recipe.points.radius_um is None:
        tile, point = _in_square(points, positions)
    else:
        tile, point = _near_centre(points, positions, geometry, recipe.points.radius_um)
    count = len(recipe.classes)
    seen = np.zeros((len(positions), count + 1), dtype=bool)
    seen[tile, np.where(points.classes[point] == BETWEEN, count, points.classes[point])] = True
    return [_label(row, recipe.classes) for row in seen]


def _label(seen: NDArray[np.bool_], classes: Sequence[str]) -> str:
    present = np.flatnonzero(seen)
    if not len(present):
        return ""
    return classes[present[0]] if len(present) == 1 and present[0] < len(classes) else MIXED


def _in_square(points: ClassPoints, positions: TilePositions) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return (tile, point) of all points inside tiles; the left and upper edge belong to a tile."""
    x, y = positions.x, positions.y
    tree = shapely.STRtree(np.atleast_1d(shapely.points(points.x, points.y)))
    boxes = np.atleast_1d(shapely.box(x, y, x + positions.extent, y + positions.extent))
    tile, point = tree.query(boxes, predicate="intersects")
    inside = (points.x[point] < x[tile] + positions.extent) & (points.y[point] < y[tile] + positions.extent)
    return tile[inside], point[inside]


def _near_centre(
    points: ClassPoints, positions: TilePositions, geometry: SlideGeometry, radius_um: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return (tile, point) of all tiles whose centre lies within ``radius_um`` of a point."""
    half = positions.extent / 2
    tree = shapely.STRtree(np.atleast_1d(shapely.points(*geometry.level0_to_um(points.x, points.y))))
    centres = shapely.points(*geometry.level0_to_um(positions.x + half, positions.y + half))
    tile, point = tree.query(np.atleast_1d(centres), predicate="dwithin", distance=radius_um)
    return tile, point


def _class_of(text: str, wanted: PointsRecipe, recipe: TilingRecipe, where: str) -> int | None:
    """Return the class of a number, ``BETWEEN`` between the classes, None for an empty cell."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if math.isnan(value):
        return None
    if math.isinf(value):
        raise SlideError(f"{where}: a point has {wanted.value} {text!r}; allowed are numbers and empty cells")
    for name, (low, high) in wanted.value_classes.items():
        if low <= value <= high:
            return recipe.classes.index(name)
    return BETWEEN


def _counted(why: str, indices: Sequence[int | None]) -> dict[str, int]:
    count = sum(index is None for index in indices)
    return {why: count} if count else {}
