"""The label of a tile, from its coverage by each class."""

from collections.abc import Sequence

import numpy as np

from tasks.artifacts.tile_set import MIXED
from tasks.tiling.areas import ClassArea, Geometries
from tasks.tiling.grid import Floats
from tasks.tiling.recipe import TilingRecipe

UNKNOWN = ""
"""The label of an unlabelled tile."""


def coverages(areas: Sequence[ClassArea], tiles: Geometries) -> Floats:
    """Return how much of each tile each class but the first covers, float64 [N, classes - 1]."""
    return np.stack([area.coverage(tiles) for area in areas], axis=1)


def labels_from_coverage(
    covered: Floats, recipe: TilingRecipe, unlabelled: Floats | None = None
) -> list[str]:
    """Return one label per tile from ``covered``, [N, classes - 1].

    More than ``class_above`` of one class gives that class; less than ``normal_below`` of all classes
    together gives the first class; all between is ``mixed``, and so are the two limits themselves. What a
    picture leaves without label, ``unlabelled`` [N], counts like a class whose label is "".
    """
    without = np.zeros(len(covered)) if unlabelled is None else unlabelled
    every = np.column_stack([covered, without])
    names = (*recipe.classes[1:], UNKNOWN)
    most = every.argmax(axis=1)
    enough = every.max(axis=1) > recipe.class_above
    little = every.sum(axis=1) < recipe.normal_below
    return [
        names[most[i]] if enough[i] else recipe.classes[0] if little[i] else MIXED for i in range(len(every))
    ]
