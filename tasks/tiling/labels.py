"""The label of a tile, from its coverage by each class."""

from collections.abc import Sequence

import numpy as np

from tasks.artifacts.tile_set import MIXED
from tasks.slides.errors import SlideError
from tasks.slides.row import SlideRow
from tasks.tiling.areas import ClassArea, Geometries
from tasks.tiling.grid import Floats
from tasks.tiling.recipe import TilingRecipe, plain_name

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


def label_of_slide(row: SlideRow, recipe: TilingRecipe) -> str:
    """Return the label that every tile of a slide without annotation has: the manifest's, or none ("").

    Raises:
        SlideError: the manifest's label is not a class.
    """
    refuse_strange_label(row, recipe)
    return UNKNOWN if row.label is None else row.label


def refuse_strange_label(row: SlideRow, recipe: TilingRecipe) -> None:
    """Raise SlideError if the manifest's label is no class."""
    if row.label is not None and row.label not in recipe.classes:
        near = [name for name in recipe.classes if plain_name(name) == plain_name(row.label)]
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise SlideError(
            f"{row.slide_id}: the manifest's label {row.label!r} is no class; "
            f"allowed are {', '.join(recipe.classes)}{hint}"
        )


def is_weakly_labelled(row: SlideRow, recipe: TilingRecipe) -> bool:
    """Return whether tiles get the label of the whole slide although parts of it may be of another class.

    A slide that is wholly of the first class is exact: no tile of it holds another class.
    """
    return labels_of_slide_only(row) and row.label is not None and row.label != recipe.classes[0]


def labels_of_slide_only(row: SlideRow) -> bool:
    """Return whether a slide has neither annotation nor points."""
    return row.annotation is None and row.points is None


def is_unlabelled(row: SlideRow) -> bool:
    """Return whether no tile of a slide gets a label, so that all drop out of training."""
    return labels_of_slide_only(row) and row.label is None
