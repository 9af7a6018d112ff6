"""One outline: a named area of a slide."""

from dataclasses import dataclass

import shapely
from shapely.geometry.base import BaseGeometry

from tasks.slides.errors import SlideError

POLYGONAL = ("Polygon", "MultiPolygon")


@dataclass(frozen=True)
class Outline:
    """An area that somebody drew and named.

    Attributes:
        class_name: the name given in the drawing program; "" where none was given.
        polygon: valid Polygon or MultiPolygon, in level-0 pixels.
        repaired: whether it crossed itself and was made valid (shapely's ``make_valid``, areas kept).
    """

    class_name: str
    polygon: BaseGeometry
    repaired: bool = False


def outline_from(class_name: str, drawn: BaseGeometry, where: str) -> Outline:
    """Return a drawn geometry as an outline; one that crosses itself is made valid and marked as repaired.

    Raises:
        SlideError: it is a point or a line, or encloses no area.
    """
    if drawn.geom_type not in POLYGONAL:
        raise SlideError(f"{where} is a {drawn.geom_type}; allowed are {' and '.join(POLYGONAL)}")
    valid = bool(drawn.is_valid)
    polygon = drawn if valid else _areas_of(shapely.make_valid(drawn))
    if polygon.area == 0:
        raise SlideError(f"{where} encloses no area")
    return Outline(class_name, polygon, repaired=not valid)


def _areas_of(geometry: BaseGeometry) -> BaseGeometry:
    """Return the areas of a repaired geometry without the lines and points of ``make_valid``."""
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type in POLYGONAL]
    return shapely.union_all(parts) if parts else shapely.Polygon()
