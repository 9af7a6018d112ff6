"""Outlines as QuPath writes them: GeoJSON, as a FeatureCollection, a bare list or one Feature."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import shapely
import shapely.affinity
from shapely.errors import ShapelyError

from tasks.slides.errors import SlideError
from tasks.slides.outline import Drawing, NoOutline, Outline, drawing_of, outline_from, refuse_impossible
from tasks.slides.text import json_text

_ANNOTATION = "annotation"
_KIND_FIELDS = ("objectType", "object_type")
"""Where QuPath says what an object is: since 0.4, and in 0.3. Before it was the id, ``PathCellObject``."""

_OLD_ID = re.compile(r"^(?:Path)?([A-Z]\w*)Object$")
_BARE = frozenset(
    {"classification", "name", "color", "colorRGB", "isLocked", "locked", "metadata", "description"}
)
"""What may stand beside an area that does not say what it is: nothing that a machine measured."""


def read_qupath(path: Path, origin: tuple[float, float]) -> Drawing:
    """Return what a GeoJSON file holds; only annotations are outlines, all else is left out and counted.

    QuPath counts from the corner of the scanned area, so ``origin`` (level-0 pixels) is added.

    Raises:
        SlideError: no JSON, no features, a geometry that cannot be read, or a feature that does not say
            whether a person drew it.
    """
    return drawing_of(
        _outline(feature, f"{path.name}: feature {number}", origin)
        for number, feature in enumerate(collection_of(json_text(path), path.name), start=1)
    )


def collection_of(text: str, name: str) -> list[Mapping[str, Any]]:
    """Return the features of a FeatureCollection, a list or a single Feature, as they stand.

    Raises:
        SlideError: no JSON, or no features.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise SlideError(f"{name} is no JSON: {error}") from error
    except RecursionError as error:
        raise SlideError(f"{name} is no GeoJSON: its brackets are nested too deep") from error
    if isinstance(data, dict) and data.get("type") == "FeatureCollection":
        data = data.get("features")
    elif isinstance(data, dict) and data.get("type") == "Feature":
        data = [data]
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise SlideError(
            f"{name} holds no GeoJSON features; allowed are a FeatureCollection, a list, a Feature"
        )
    return data


def _outline(feature: Mapping[str, Any], where: str, origin: tuple[float, float]) -> Outline | NoOutline:
    others = [kind for kind in kinds_of(feature, where) if kind != _ANNOTATION]
    if others:
        return NoOutline(f"a QuPath {others[0]} is no annotation")
    geometry = feature.get("geometry")
    if geometry is None:
        return NoOutline("a feature without geometry")
    drawn = shape_of(geometry, where)
    if isinstance(drawn, NoOutline):
        return drawn
    placed = shapely.affinity.translate(shapely.force_2d(drawn), *origin)
    return outline_from(class_name_of(feature, where), placed, where)


def kinds_of(feature: Mapping[str, Any], where: str) -> list[str]:
    """Return what a feature says it is, in lower case; an area that says nothing must be a bare one.

    Raises:
        SlideError: it says nothing, and has properties that only a machine writes.
    """
    properties = properties_of(feature)
    said = [str(properties[name]).strip().lower() for name in _KIND_FIELDS if properties.get(name)]
    old = _OLD_ID.match(str(feature.get("id") or ""))
    said += [old.group(1).lower()] if old else []
    said += ["cell"] if "nucleusGeometry" in feature else []
    strange = sorted(name for name, value in properties.items() if value and name not in _BARE)
    if not said and strange:
        raise SlideError(
            f"{where} does not say what it is: its properties name {', '.join(strange[:4])} and no "
            'objectType; an outline says "objectType": "annotation"'
        )
    return said


def shape_of(geometry: Any, where: str) -> Any:
    """Return a geometry of shapely; rings of fewer than three corners enclose nothing and are dropped.

    Raises:
        SlideError: it cannot be read, or lies where no slide is.
    """
    try:
        kind, corners = geometry["type"], geometry.get("coordinates")
        refuse_impossible(_corners(corners), where)
        if kind == "Polygon":
            rings = _rings(corners)
            return shapely.Polygon(rings[0], rings[1:]) if rings else _clicked(kind)
        if kind == "MultiPolygon":
            areas = [rings for rings in map(_rings, corners) if rings]
            polygons = [shapely.Polygon(rings[0], rings[1:]) for rings in areas]
            return shapely.MultiPolygon(polygons) if polygons else _clicked(kind)
        return shapely.geometry.shape(geometry)
    except (ShapelyError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise SlideError(f"{where} has no geometry that can be read: {error}") from error


def _corners(nested: Any) -> Iterator[Sequence[float]]:
    """Yield every position of nested lists of positions."""
    if isinstance(nested, list) and nested and isinstance(nested[0], int | float):
        yield nested
    elif isinstance(nested, list):
        for inner in nested:
            yield from _corners(inner)


def _rings(rings: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    """Return the outer ring and the holes of a polygon, none where the outer ring is only a click."""
    if not rings or len(rings[0]) < 3:
        return []
    return [rings[0], *(hole for hole in rings[1:] if len(hole) >= 3)]


def _clicked(kind: str) -> NoOutline:
    return NoOutline(f"a {kind} of fewer than 3 corners")


def class_name_of(feature: Mapping[str, Any], where: str) -> str:
    """Return the class; of several names, as QuPath writes a derived class, ``Tumor: Positive``.

    Raises:
        SlideError: it is no name.
    """
    found = properties_of(feature).get("classification")
    if isinstance(found, dict):
        found = found.get("names") or found.get("name")
    if isinstance(found, list):
        found = ": ".join(map(str, found))
    if found is not None and not isinstance(found, str):
        raise SlideError(f"{where} has the class {found!r}; allowed is a name")
    return found or ""


def properties_of(feature: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a feature says of itself; nothing where it says it in no mapping."""
    properties = feature.get("properties")
    return properties if isinstance(properties, dict) else {}
