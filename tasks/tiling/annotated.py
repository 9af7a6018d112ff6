"""Labels and coverage of tiles from each kind of annotation: outlines, a picture of classes, points."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from tasks.artifacts.tile_set import MARKS, Mark
from tasks.slides.geometry import SlideGeometry
from tasks.slides.info import AnnotationInfo
from tasks.slides.outline import Drawing
from tasks.slides.row import SlideRow, input_files
from tasks.tiling.annotation_check import amounts_um2, fit, hint_for
from tasks.tiling.areas import ClassArea, Geometries, class_areas, tile_boxes
from tasks.tiling.class_picture import ClassPicture
from tasks.tiling.grid import Floats
from tasks.tiling.labels import coverages, labels_from_coverage
from tasks.tiling.layout import Layout
from tasks.tiling.masks import load_mark
from tasks.tiling.names import class_indices, ignored_names
from tasks.tiling.point_labels import ClassPoints, labels_from_points
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.tile_truth import Marked, Truth
from tasks.tiling.tissue_area import TissueArea


@dataclass(frozen=True)
class LaidOutSlide:
    """All that the labels of a slide's tiles are made from, beside its annotation."""

    row: SlideRow
    data_root: Path
    geometry: SlideGeometry
    layout: Layout
    recipe: TilingRecipe

    @property
    def boxes(self) -> Geometries:
        """The tiles as shapely boxes in level-0 pixels, [N]."""
        positions = self.layout.positions
        return tile_boxes(positions.x, positions.y, positions.extent)

    @property
    def unknown(self) -> Floats:
        """NaN as the coverage of each tile by each class but the first, [N, classes - 1]."""
        return np.full((len(self.layout.positions), len(self.recipe.classes) - 1), np.nan)

    @property
    def marked(self) -> dict[Mark, Marked]:
        """The marks that the manifest names an image of."""
        named = input_files(self.row)
        found = {mark: self.data_root / named[mark] for mark in MARKS if mark in named}
        return {mark: Marked(*load_mark(path, self.geometry)) for mark, path in found.items()}

    @property
    def tissue(self) -> TissueArea:
        """The tissue of the slide."""
        return TissueArea(self.layout.tissue)


def of_outlines(slide: LaidOutSlide, drawing: Drawing) -> Truth:
    """Return the truth of tiles from outlines: a class by the exact area that it covers.

    Raises:
        SlideError: a name that is no class, or outlines that contradict the manifest's label.
    """
    recipe, geometry, tissue = slide.recipe, slide.geometry, slide.tissue
    where = f"{slide.row.slide_id}: {Path(str(slide.row.annotation)).name}"
    indices = class_indices(drawing.outlines, recipe, where)
    areas = class_areas(drawing.outlines, recipe, where)
    names = [outline.class_name for outline in drawing.outlines]
    frame = shapely.box(0, 0, geometry.width_level0, geometry.height_level0)
    classes = recipe.classes[1:]
    info = AnnotationInfo(
        source="outline",
        unit="um2",
        read=len(names),
        names=dict(sorted(Counter(names).items())),
        left_out={**drawing.left_out, **ignored_names(names, indices)},
        drawn=_um2(classes, [shapely.area(area.polygons).sum() for area in areas], geometry),
        on_slide=_um2(classes, [_within(area, frame) for area in areas], geometry),
        on_tissue=_um2(classes, [tissue.of(area.polygons) for area in areas], geometry),
    )
    polygons = np.concatenate([area.polygons for area in areas])
    hint = hint_for(polygons, info, geometry, tissue)
    notes = fit(slide.row, recipe, info, hint, _tissue_um2(tissue, geometry))
    covered = coverages(areas, slide.boxes)
    labels = labels_from_coverage(covered, recipe)
    repaired = sum(outline.repaired for outline in drawing.outlines)
    return Truth(
        slide.boxes, areas, covered, labels, repaired, slide.marked,
        labels_from="outlines", annotation=info, notes=notes,
    )  # fmt: skip


def of_picture(slide: LaidOutSlide, picture: ClassPicture) -> Truth:
    """Return the truth of tiles from a picture of classes: a class by the exact area that it covers.

    Raises:
        SlideError: the picture contradicts the manifest's label.
    """
    recipe, geometry, tissue = slide.recipe, slide.geometry, slide.tissue
    classes, indices = recipe.classes[1:], range(1, len(recipe.classes))
    drawn = _um2(classes, [picture.area_px(index) for index in indices], geometry)
    without = int(picture.unlabelled.sum())
    info = AnnotationInfo(
        source="picture",
        unit="um2",
        read=1,
        names={},
        left_out={"pixels without label": without} if without else {},
        drawn=drawn,
        on_slide=drawn,
        on_tissue=_um2(classes, [picture.tissue_px(index, tissue) for index in indices], geometry),
    )
    notes = fit(slide.row, recipe, info, "", _tissue_um2(tissue, geometry))
    covered, unlabelled = picture.coverage(slide.layout.positions, len(recipe.classes))
    labels = labels_from_coverage(covered, recipe, unlabelled)
    return Truth(
        slide.boxes, class_areas((), recipe, slide.row.slide_id), covered, labels, 0, slide.marked,
        labels_from="picture", picture=picture, annotation=info, notes=notes,
    )  # fmt: skip


def of_points(slide: LaidOutSlide, points: ClassPoints) -> Truth:
    """Return the truth of tiles from labelled points; what a class covers stays unknown.

    Raises:
        SlideError: the points contradict the manifest's label.
    """
    recipe, geometry = slide.recipe, slide.geometry
    inside = (points.x >= 0) & (points.x < geometry.width_level0)
    inside &= (points.y >= 0) & (points.y < geometry.height_level0)
    on_tissue = slide.tissue.holds(points.x, points.y)
    info = AnnotationInfo(
        source="point",
        unit="points",
        read=points.read,
        names=points.names,
        left_out=points.left_out,
        drawn=points.counts(recipe.classes, np.ones_like(inside)),
        on_slide=points.counts(recipe.classes, inside),
        on_tissue=points.counts(recipe.classes, on_tissue),
    )
    shapes = np.atleast_1d(shapely.points(points.x, points.y))
    notes = fit(slide.row, recipe, info, hint_for(shapes, info, geometry, slide.tissue))
    labels = labels_from_points(points, slide.layout.positions, geometry, recipe)
    return Truth(
        slide.boxes, class_areas((), recipe, slide.row.slide_id), slide.unknown, labels, 0, slide.marked,
        labels_from="points", annotation=info, notes=notes,
    )  # fmt: skip


def _um2(classes: Sequence[str], areas_px: Sequence[float], geometry: SlideGeometry) -> dict[str, float]:
    return amounts_um2(dict(zip(classes, map(float, areas_px), strict=True)), geometry)


def _tissue_um2(tissue: TissueArea, geometry: SlideGeometry) -> float:
    return tissue.whole * geometry.mpp * geometry.mpp_y


def _within(area: ClassArea, frame: shapely.Polygon) -> float:
    """Return how much of a class lies on the slide, in level-0 pixels squared."""
    return float(shapely.area(shapely.intersection(area.polygons, frame)).sum())
