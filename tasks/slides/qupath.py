"""Outlines as QuPath writes them: GeoJSON, as a FeatureCollection, a bare list or one Feature."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import shapely
import shapely.affinity
from shapely.errors import ShapelyError

from tasks.slides.errors import SlideError
from tasks.slides.outline import Outline, outline_from

_DRAWN_BY_PEOPLE = ("annotation", "")


def read_qupath(path: Path, origin: tuple[float, float]) -> tuple[Outline, ...]:
    """Return the annotations of a GeoJSON file; detections, cells and tiles are no outlines.

    QuPath counts from the corner of the scanned area, so ``origin`` (level-0 pixels) is added.

    Raises:
        SlideError: no JSON, no features, or a feature that is no area.
    """
    features = _features(path)
    drawn = [
        (number, feature)
        for number, feature in enumerate(features, start=1)
        if (_properties(feature).get("objectType") or "") in _DRAWN_BY_PEOPLE
    ]
    return tuple(_outline(feature, f"{path.name}: feature {number}", origin) for number, feature in drawn)


def _features(path: Path) -> list[Mapping[str, Any]]:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise SlideError(f"{path.name} is no JSON: {error}") from error
    if isinstance(data, dict) and data.get("type") == "FeatureCollection":
        data = data.get("features")
    elif isinstance(data, dict) and data.get("type") == "Feature":
        data = [data]
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise SlideError(
            f"{path.name} holds no GeoJSON features; allowed are a FeatureCollection, a list, a Feature"
        )
    return data


def _outline(feature: Mapping[str, Any], where: str, origin: tuple[float, float]) -> Outline:
    try:
        drawn = shapely.geometry.shape(feature.get("geometry") or {})
    except (ShapelyError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise SlideError(f"{where} has no geometry that can be read: {error}") from error
    placed = shapely.affinity.translate(shapely.force_2d(drawn), *origin)
    return outline_from(_class_name(feature), placed, where)


def _class_name(feature: Mapping[str, Any]) -> str:
    classification = _properties(feature).get("classification")
    name = classification.get("name") if isinstance(classification, dict) else classification
    return str(name or "")


def _properties(feature: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = feature.get("properties")
    return properties if isinstance(properties, dict) else {}
