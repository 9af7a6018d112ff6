"""Outlines: named areas of a slide, and what an annotation file holds beside them."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import shapely
from shapely.geometry.base import BaseGeometry

from tasks.slides.errors import SlideError

POLYGONAL = ("Polygon", "MultiPolygon")

_FARTHEST = 1e7
"""Of a side of a slide, in pixels. Areas of far larger coordinates overflow, and labels would be wrong."""


@dataclass(frozen=True)
class Outline:
    """An area that somebody drew and named.

    Attributes:
        class_name: the name given in the drawing program; "" where none was given.
        polygon: valid Polygon or MultiPolygon, in level-0 pixels.
        repaired: whether it crossed itself and was made valid (shapely's ``make_valid``, areas kept).
        cut_out: whether the drawing program means it as an exclusion, which is cut out of all others.
    """

    class_name: str
    polygon: BaseGeometry
    repaired: bool = False
    cut_out: bool = False


@dataclass(frozen=True)
class NoOutline:
    """An object of an annotation file that is no outline, and why: a point, a ruler, a detected cell."""

    reason: str


@dataclass(frozen=True)
class Drawing:
    """What an annotation file holds.

    Attributes:
        outlines: the areas that people drew, in the order of the file.
        left_out: {why: how many} of the objects that are no outline.
    """

    outlines: tuple[Outline, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)


def drawing_of(objects: Iterable[Outline | NoOutline]) -> Drawing:
    """Return the outlines among ``objects`` and a count of the rest."""
    drawn = tuple(objects)
    reasons = Counter(item.reason for item in drawn if isinstance(item, NoOutline))
    outlines = tuple(item for item in drawn if isinstance(item, Outline))
    return Drawing(outlines, dict(sorted(reasons.items())))


def outline_from(
    class_name: str, drawn: BaseGeometry, where: str, *, cut_out: bool = False
) -> Outline | NoOutline:
    """Return a drawn geometry as an outline; one that crosses itself is made valid and marked as repaired.

    A point, a line or a click without area is no outline. Of a collection the areas count.

    Raises:
        SlideError: a coordinate that is no finite number, or that no slide has.
    """
    refuse_impossible(shapely.get_coordinates(drawn), where)
    if drawn.geom_type not in (*POLYGONAL, "GeometryCollection"):
        return NoOutline(f"a {drawn.geom_type} encloses no area")
    area = drawn if drawn.geom_type in POLYGONAL else _areas_of(drawn)
    valid = bool(area.is_valid)
    polygon = area if valid else _areas_of(shapely.make_valid(area))
    if polygon.area == 0:
        return NoOutline(f"a {drawn.geom_type} without area")
    return Outline(class_name, polygon, repaired=not valid, cut_out=cut_out)


def refuse_impossible(corners: Iterable[Sequence[float]], where: str) -> None:
    """Raise SlideError if one of ``corners``, (x, y) each, is NaN, infinite or where no slide reaches."""
    for x, y, *_ in corners:
        # A whole number of JSON has any number of digits, and none of these functions takes one of 400.
        if any(isinstance(value, float) and not math.isfinite(value) for value in (x, y)):
            raise SlideError(f"{where} has a corner at ({x:g}, {y:g}); allowed are finite numbers of pixels")
        if max(abs(x), abs(y)) > _FARTHEST:
            raise SlideError(
                f"{where} has a corner at ({x}, {y}); no slide is {_FARTHEST:,.0f} px wide or high"
            )


def _areas_of(geometry: BaseGeometry) -> BaseGeometry:
    """Return the areas of a collection or a repaired geometry without its lines and points."""
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type in POLYGONAL]
    return shapely.union_all(parts) if parts else shapely.Polygon()
