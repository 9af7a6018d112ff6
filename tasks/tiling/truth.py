"""The ground truth of each tile: coverage by annotated classes, label and marks."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from tasks.slides.annotations import annotation_kind, load_outlines
from tasks.slides.errors import SlideError
from tasks.slides.geometry import SlideGeometry
from tasks.slides.row import SlideRow
from tasks.slides.slide_labels import refuse_strange_label
from tasks.tiling.annotated import LaidOutSlide, of_outlines, of_picture, of_points
from tasks.tiling.areas import class_areas
from tasks.tiling.class_picture import load_class_picture
from tasks.tiling.layout import Layout
from tasks.tiling.point_labels import load_points
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.tile_truth import Marked, Truth

__all__ = ["Marked", "Truth", "look_up"]


def look_up(
    row: SlideRow, data_root: Path, geometry: SlideGeometry, layout: Layout, recipe: TilingRecipe
) -> Truth:
    """Return the ground truth of the tiles of a layout from the manifest's row and its files.

    Raises:
        SlideError: an annotation, table of points, mask image or label that cannot be used, or an annotation
            that contradicts the label.
    """
    slide = LaidOutSlide(row, data_root, geometry, layout, recipe)
    refuse_strange_label(row, recipe.classes)
    if row.annotation is not None and row.points is not None:
        raise SlideError(
            f"{row.slide_id}: the manifest names an annotation and points; allowed is one of them"
        )
    if row.points is not None:
        return _held_against(row, of_points(slide, load_points(row, data_root / row.points, recipe)))
    if row.annotation is None:
        return _of_slide(slide)
    path = data_root / row.annotation
    if annotation_kind(path) == "picture":
        return _held_against(row, of_picture(slide, load_class_picture(path, geometry, recipe)))
    outlines = load_outlines(path, (geometry.bounds_x, geometry.bounds_y))
    return _held_against(row, of_outlines(slide, outlines))


def unlabelled(slide: LaidOutSlide) -> Truth:
    """Return the truth of tiles of which nobody knows what they show, whatever the label of their slide."""
    areas = class_areas((), slide.recipe, slide.row.slide_id)
    return Truth(slide.boxes, areas, slide.unknown, [""] * len(slide.unknown), 0, slide.marked)


def _of_slide(slide: LaidOutSlide) -> Truth:
    row, recipe = slide.row, slide.recipe
    label = row.label or ""
    covered = np.zeros_like(slide.unknown) if label == recipe.classes[0] else slide.unknown
    weak = row.is_weakly_labelled(recipe.classes[0])
    notes = (f"{row.slide_id}: every tile has the label of the whole slide, {label!r}",) if weak else ()
    if row.is_unlabelled:
        notes = (
            f"{row.slide_id}: no annotation, points or label; its tiles have no label and train nothing",
        )
    return Truth(
        slide.boxes,
        class_areas((), recipe, row.slide_id),
        covered,
        [label] * len(covered),
        0,
        slide.marked,
        labels_from="slide" if label else "nothing",
        weak_labels=weak,
        notes=notes,
    )


def _held_against(row: SlideRow, truth: Truth) -> Truth:
    """Return ``truth`` with a note where the slide has a label that none of its tiles has."""
    if row.label is None or row.label in truth.labels:
        return truth
    counts = ", ".join(f"{n} {name or 'without label'}" for name, n in sorted(Counter(truth.labels).items()))
    note = (
        f"{row.slide_id}: the manifest's label is {row.label!r}, but no tile has it ({counts or 'no tile'})"
    )
    return replace(truth, notes=(*truth.notes, note))
