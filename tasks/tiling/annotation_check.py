"""Whether an annotation fits its slide: what was read is held against tissue and the manifest's label."""

import math
from collections.abc import Mapping
from pathlib import Path

import shapely

from tasks.slides.errors import SlideError
from tasks.slides.geometry import SlideGeometry
from tasks.slides.info import AnnotationInfo
from tasks.slides.row import SlideRow
from tasks.tiling.areas import Geometries
from tasks.tiling.moves import Move, moves
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.tissue_area import TissueArea

_NEARLY_NONE = 0.05
"""A class of which a smaller fraction lies on tissue contributes nothing: it was drawn elsewhere.

Where there is less tissue than was drawn, as with a frame around a biopsy, it is the fraction of the tissue.
"""

_DOUBTFUL, _FITS = 0.5, 0.9
"""Below the one an annotation is doubtful if moving it would put more than the other on tissue."""


def fit(
    row: SlideRow, recipe: TilingRecipe, info: AnnotationInfo, hint: str, tissue: float = math.inf
) -> tuple[str, ...]:
    """Return sentences on what a person should look at; a contradiction with the label is an error.

    Args:
        row: the slide; its label says what the annotation should hold.
        recipe: with the classes.
        info: what was read.
        hint: what would place the annotation on tissue, from :func:`hint_for`.
        tissue: area of all tissue, in the unit of ``info``; without end where that is no area.

    Raises:
        SlideError: the label names a class that the annotation puts nowhere on tissue, or it says the first
            class and the annotation puts another on tissue.
    """
    source = Path(row.annotation or row.points or "").name
    where = f"{row.slide_id}: {source}"
    said = f"{where}: {_in_words(info)}{hint}"
    empty = [name for name in recipe.classes[1:] if _contributes_nothing(info, name, tissue)]
    if row.label is not None and row.label in empty:
        how_much = f"less than {_NEARLY_NONE:.0%}" if info.on_tissue[row.label] else "nothing"
        raise SlideError(
            f"{said}. The manifest's label is {row.label!r}, but {how_much} of it lies on tissue"
        )
    covered = [name for name in recipe.classes[1:] if name not in empty]
    if row.label == recipe.classes[0] and covered:
        raise SlideError(f"{said}. The manifest's label is {row.label!r}, but {covered[0]!r} lies on tissue")
    is_normal = info.on_tissue.get(recipe.classes[0], 0.0) > 0  # points, which name the first class too
    if not covered and not is_normal:
        return (f"{said}. No class but {recipe.classes[0]!r} lies on tissue by more than {_NEARLY_NONE:.0%}",)
    return (said,) if hint else ()


def hint_for(shapes: Geometries, info: AnnotationInfo, geometry: SlideGeometry, area: TissueArea) -> str:
    """Return which change would place polygons or points on tissue that lie elsewhere, or "".

    Tried are the scales of the slide's levels, powers of two, x and y swapped, both together, and the corner
    of the scanned area. Nothing is changed: a person decides.
    """
    drawn, on_tissue = sum(info.drawn.values()), sum(info.on_tissue.values())
    if not len(shapes) or not drawn or on_tissue >= _DOUBTFUL * drawn:
        return ""
    beyond = _beyond(shapes, geometry)
    fitting = [(_fraction_on_tissue(shapes, move, geometry, area), words) for words, move in moves(geometry)]
    best, words = max(fitting, key=lambda item: item[0])
    return beyond if best < _FITS else f"{beyond}; {words} would put {best:.0%} of it on tissue"


def _fraction_on_tissue(shapes: Geometries, move: Move, geometry: SlideGeometry, area: TissueArea) -> float:
    if not _lies_on_the_slide(shapes, move, geometry):
        return 0.0
    moved = shapely.transform(shapes, move)
    if shapely.get_dimensions(moved[0]) == 0:
        return float(area.holds(*shapely.get_coordinates(moved).T).mean())
    return area.of(moved) / float(shapely.area(moved).sum())


def _lies_on_the_slide(shapes: Geometries, move: Move, geometry: SlideGeometry) -> bool:
    """Return whether most centres would lie on the slide; most moves fail this and cost nothing more."""
    x, y = move(shapely.get_coordinates(shapely.centroid(shapes))).T
    inside = (x >= 0) & (x < geometry.width_level0) & (y >= 0) & (y < geometry.height_level0)
    return bool(inside.mean() > _DOUBTFUL)


def amounts_um2(areas_px: Mapping[str, float], geometry: SlideGeometry) -> dict[str, float]:
    """Return areas in level-0 pixels squared as square micrometres."""
    return {name: area * geometry.mpp * geometry.mpp_y for name, area in areas_px.items()}


def _contributes_nothing(info: AnnotationInfo, name: str, tissue: float) -> bool:
    return info.on_tissue[name] <= _NEARLY_NONE * min(info.drawn[name], tissue)


def _in_words(info: AnnotationInfo) -> str:
    what = info.source + ("" if info.read == 1 else "s")
    names = ", ".join(f"{name!r} {count}" for name, count in info.names.items())
    parts = [f"{info.read} {what} read" + (f" ({names})" if names else "")]
    for name, drawn in info.drawn.items():
        on_slide, on_tissue = info.on_slide[name], info.on_tissue[name]
        if info.unit == "points":
            parts.append(f"{name}: {drawn:g} points, {on_slide:g} on the slide, {on_tissue:g} on tissue")
        else:
            mm2 = [f"{value / 1e6:.4g} mm2" for value in (drawn, on_slide, on_tissue)]
            parts.append(f"{name}: {mm2[0]} drawn, {mm2[1]} on the slide, {mm2[2]} on tissue")
    parts += [f"left out: {count} times {why}" for why, count in info.left_out.items()]
    return "; ".join(parts)


def _beyond(shapes: Geometries, geometry: SlideGeometry) -> str:
    """Return how far an annotation reaches where all lies beyond the slide."""
    left, top, right, bottom = shapely.total_bounds(shapes)
    if right > 0 and bottom > 0 and left < geometry.width_level0 and top < geometry.height_level0:
        return ""
    return (
        f"; all of it lies beyond the slide of {geometry.width_level0} x {geometry.height_level0} px, "
        f"from ({left:.0f}, {top:.0f}) to ({right:.0f}, {bottom:.0f})"
    )
