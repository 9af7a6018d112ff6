"""The ground truth of each tile: coverage by outlined classes, label and marks."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.tile_set import MARKS, Mark
from tasks.slides.annotations import load_outlines
from tasks.slides.geometry import SlideGeometry
from tasks.slides.row import SlideRow, input_files
from tasks.tiling.areas import ClassArea, Geometries, class_areas, tile_boxes
from tasks.tiling.grid import Floats, TilePositions
from tasks.tiling.labels import coverages, label_of_slide, labels_from_coverage
from tasks.tiling.masks import load_mark
from tasks.tiling.recipe import TilingRecipe


@dataclass(frozen=True)
class Marked:
    """The pixels that one mark holds: bool [h, w] and its level-0 pixels per pixel along x and y."""

    mask: NDArray[np.bool_]
    downsample: tuple[float, float]


@dataclass(frozen=True)
class Truth:
    """The annotations of the tiles of one slide.

    Attributes:
        boxes: the tiles as shapely boxes in level-0 pixels, [N].
        areas: the outlined area of each class but the first; empty where the slide has no annotation.
        covered: share of each tile that each class but the first covers, [N, classes - 1]; NaN where the
            slide has no annotation and is not known to be of the first class throughout.
        labels: one label per tile.
        repaired: how many outlines crossed themselves.
        marked: the marks that the manifest names an image of.
    """

    boxes: Geometries
    areas: tuple[ClassArea, ...]
    covered: Floats
    labels: list[str]
    repaired: int
    marked: Mapping[Mark, Marked]


def look_up(
    row: SlideRow, data_root: Path, geometry: SlideGeometry, positions: TilePositions, recipe: TilingRecipe
) -> Truth:
    """Return the ground truth of the tiles at ``positions`` from the manifest's row and its files.

    Raises:
        SlideError: an annotation, mask image or label that cannot be used.
    """
    boxes = tile_boxes(positions.x, positions.y, positions.extent)
    marked = _marked(row, data_root, geometry)
    if row.annotation is None:
        return _of_slide(row, recipe, boxes, marked)
    outlines = load_outlines(data_root / row.annotation, (geometry.bounds_x, geometry.bounds_y))
    areas = class_areas(outlines, recipe, row.slide_id)
    covered = coverages(areas, boxes)
    repaired = sum(outline.repaired for outline in outlines)
    return Truth(boxes, areas, covered, labels_from_coverage(covered, recipe), repaired, marked)


def _of_slide(row: SlideRow, recipe: TilingRecipe, boxes: Geometries, marked: Mapping[Mark, Marked]) -> Truth:
    label = label_of_slide(row, recipe)
    known = 0.0 if label == recipe.classes[0] else np.nan
    covered = np.full((len(boxes), len(recipe.classes) - 1), known)
    return Truth(boxes, class_areas((), recipe, row.slide_id), covered, [label] * len(boxes), 0, marked)


def _marked(row: SlideRow, data_root: Path, geometry: SlideGeometry) -> dict[Mark, Marked]:
    named = input_files(row)
    return {mark: Marked(*load_mark(data_root / named[mark], geometry)) for mark in MARKS if mark in named}
