"""The ground truth of the tiles of one slide, from whatever source."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.tile_set import Mark
from tasks.slides.info import AnnotationInfo, LabelSource
from tasks.tiling.areas import ClassArea, Geometries
from tasks.tiling.class_picture import ClassPicture
from tasks.tiling.grid import Floats


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
        areas: the outlined area of each class but the first; empty where no outlines are named.
        covered: fraction of each tile that each class but the first covers, [N, classes - 1]; NaN where no
            area was annotated and the slide is not of the first class throughout.
        labels: one label per tile.
        repaired: how many outlines crossed themselves.
        marked: the marks that the manifest names an image of.
        labels_from: where the labels come from.
        weak_labels: whether tiles have the label of a slide that is not of the first class throughout.
        picture: the picture of classes that annotates the slide; None where there is none.
        annotation: what was read, and how much of it lies on tissue; None without annotation and points.
        notes: sentences on what a person should look at.
    """

    boxes: Geometries
    areas: tuple[ClassArea, ...]
    covered: Floats
    labels: list[str]
    repaired: int
    marked: Mapping[Mark, Marked]
    labels_from: LabelSource = "nothing"
    weak_labels: bool = False
    picture: ClassPicture | None = None
    annotation: AnnotationInfo | None = None
    notes: tuple[str, ...] = ()
