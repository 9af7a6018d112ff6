"""The label of a tile, from its coverage by each class."""

from collections.abc import Sequence

import numpy as np

from tasks.artifacts.tile_set import MIXED
from tasks.slides.errors import SlideError
from tasks.slides.row import SlideRow
from tasks.tiling.areas import ClassArea, Geometries
from tasks.tiling.grid import Floats
from tasks.tiling.recipe import TilingRecipe

UNKNOWN = ""
"""The label of an unlabelled tile."""


def coverages(areas: Sequence[ClassArea], tiles: Geometries) -> Floats:
    """Return how much of each tile each class but the first covers, float64 [N, classes - 1]."""
    return np.stack([area.coverage(tiles) for area in areas], axis=1)


def labels_from_coverage(covered: Floats, recipe: TilingRecipe) -> list[str]:
    """Return one label per tile from ``covered``, [N, classes - 1].

    More than ``class_above`` of one class gives that class; less than ``normal_below`` of all classes
    together gives the first class; all between is ``mixed``, and so are the two limits themselves.
    """
    most = covered.argmax(axis=1)
    enough = covered.max(axis=1) > recipe.class_above
    little = covered.sum(axis=1) < recipe.normal_below
    return [
        recipe.classes[most[i] + 1] if enough[i] else recipe.classes[0] if little[i] else MIXED
        for i in range(len(covered))
    ]


def label_of_slide(row: SlideRow, recipe: TilingRecipe) -> str:
    """Return the label that every tile of a slide without annotation has: the manifest's, or none ("").

    Raises:
        SlideError: the manifest's label is not a class.
    """
    if row.label is None:
        return UNKNOWN
    if row.label not in recipe.classes:
        raise SlideError(
            f"{row.slide_id}: the manifest's label {row.label!r} is no class; "
            f"allowed are {', '.join(recipe.classes)}"
        )
    return row.label
