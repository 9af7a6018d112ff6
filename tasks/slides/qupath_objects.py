"""Objects as QuPath exchanges them, with names, colours and measurements; read and written.

Format: GeoJSON as QuPath 0.5 and 0.6 write it, a file or a zip archive with one entry. ``properties`` has
``objectType``, ``name``, ``color``, ``isLocked``, ``classification`` with ``name`` or ``names`` and
``color``, and ``measurements`` as one JSON object. Older forms are read too: ``colorRGB`` as one number, and
measurements as a list of names and values. Coordinates are level-0 pixels from the corner of the scanned
area.
"""

import json
import lzma
import math
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import shapely
import shapely.affinity
from shapely.geometry.base import BaseGeometry

from tasks.artifacts.whole_file import whole_file
from tasks.slides.errors import SlideError
from tasks.slides.outline import NoOutline
from tasks.slides.qupath import class_name_of, collection_of, kinds_of, properties_of, shape_of
from tasks.slides.text import json_of

Colour = tuple[int, int, int]
ANNOTATION = "annotation"
_LARGEST = 1 << 30
"""Bytes of the entry of an archive that are unpacked; a small archive may hold any number of zeros."""
_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError, RuntimeError,
)  # fmt: skip
"""What a damaged, encrypted or unknown archive is answered with, by how it was packed."""


@dataclass(frozen=True)
class QuPathObject:
    """One object of QuPath: something drawn, a tile, a cell.

    Attributes:
        kind: ``annotation``, ``tile``, ``detection``, ``cell`` and so on.
        geometry: in level-0 pixels of the slide.
        name: its own name; empty where it has none.
        colour: its own colour, red, green and blue, 0 to 255; None where it has that of its class.
        class_name: its class, of a derived class as ``Tumor: Positive``; empty where it has none.
        class_colour: the colour of its class.
        measurements: {name: number}. What is no finite number is left out, as JSON has no word for it.
        id: of the object, by which QuPath knows it again; empty where the file states none.
        locked: whether QuPath protects it from changes.
    """

    kind: str
    geometry: BaseGeometry
    name: str = ""
    colour: Colour | None = None
    class_name: str = ""
    class_colour: Colour | None = None
    measurements: Mapping[str, float] = field(default_factory=dict)
    id: str = ""
    locked: bool = False


def read_qupath_objects(path: Path, origin: tuple[float, float] = (0.0, 0.0)) -> tuple[QuPathObject, ...]:
    """Return the objects of a GeoJSON file, or of a zip archive with one, in the sequence of the file.

    Objects without a geometry, and areas of fewer than three corners, are left out.

    Args:
        path: ``.geojson``, ``.json`` or ``.zip``.
        origin: the corner of the scanned area in level-0 pixels, from which QuPath counts.

    Raises:
        SlideError: no such archive, no GeoJSON, or a feature that cannot be read.
    """
    found = []
    for number, feature in enumerate(collection_of(_text(path), path.name), start=1):
        read = _object(feature, f"{path.name}: feature {number}", origin)
        if read is not None:
            found.append(read)
    return tuple(found)


def write_qupath_objects(
    objects: Iterable[QuPathObject], path: Path, origin: tuple[float, float] = (0.0, 0.0)
) -> None:
    """Write objects as a FeatureCollection, one a line, in the form of QuPath 0.5 and 0.6.

    Args:
        objects: in level-0 pixels of the slide.
        path: the file; one that is there is replaced when the new one is whole.
        origin: the corner of the scanned area in level-0 pixels, from which QuPath counts.
    """
    lines = ",\n".join(_json(_feature(each, origin)) for each in objects)
    with whole_file(path) as draft:
        draft.write_text(f'{{"type":"FeatureCollection","features":[\n{lines}\n]}}\n', encoding="utf-8")


def _text(path: Path) -> str:
    if path.suffix.lower() != ".zip":
        return json_of(path.read_bytes(), path)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) != 1 or entries[0].file_size > _LARGEST:
                size = sum(entry.file_size for entry in entries)
                raise SlideError(
                    f"{path.name} holds {len(entries)} entries of {size:,} bytes; one of at most "
                    f"{_LARGEST:,} is read"
                )
            with archive.open(entries[0]) as stream:
                return json_of(stream.read(_LARGEST), path)
    except _BROKEN as error:
        raise SlideError(f"{path.name} is no zip archive that can be read: {error}") from error


def _object(feature: Mapping[str, Any], where: str, origin: tuple[float, float]) -> QuPathObject | None:
    geometry = feature.get("geometry")
    shape = None if geometry is None else shape_of(geometry, where)
    if shape is None or isinstance(shape, NoOutline):
        return None
    properties = properties_of(feature)
    said = properties.get("classification")
    own = said if isinstance(said, Mapping) else {}
    return QuPathObject(
        kind=next(iter(kinds_of(feature, where)), ANNOTATION),
        geometry=shapely.affinity.translate(shapely.force_2d(shape), *origin),
        name=str(properties.get("name") or ""),
        colour=_colour(properties, where),
        class_name=class_name_of(feature, where),
        class_colour=_colour(own, where),
        measurements=_measurements(properties.get("measurements"), where),
        id=str(feature.get("id") or ""),
        locked=bool(properties.get("isLocked") or properties.get("locked")),
    )


def _colour(named: Mapping[str, Any], where: str) -> Colour | None:
    """Return the colour of ``color`` [red, green, blue], or of ``colorRGB``, one number of four bytes."""
    parts, packed = named.get("color"), named.get("colorRGB")
    if parts is None and isinstance(packed, int):
        parts = [packed >> 16 & 255, packed >> 8 & 255, packed & 255]
    if parts is None:
        return None
    whole = isinstance(parts, list) and all(isinstance(v, int) and 0 <= v <= 255 for v in parts)
    if not whole or len(parts) not in (3, 4):
        raise SlideError(f"{where} has the colour {parts!r}; allowed are red, green and blue from 0 to 255")
    red, green, blue = parts[:3]
    return red, green, blue


def _measurements(found: Any, where: str) -> dict[str, float]:
    """Return measurements of the present form, one object, or of the old one, a list of names and values."""
    if isinstance(found, list):
        found = {each.get("name"): each.get("value") for each in found if isinstance(each, Mapping)}
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise SlideError(f"{where} has measurements {found!r}; allowed are names with numbers")
    return {str(name): number for name, value in found.items() if (number := _number(value)) is not None}


def _number(value: Any) -> float | None:
    """Return a finite number as a float; a whole number of JSON has any number of digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _feature(each: QuPathObject, origin: tuple[float, float]) -> dict[str, Any]:
    left, top = origin
    shape = shapely.affinity.translate(each.geometry, -left, -top)
    properties: dict[str, Any] = {"objectType": each.kind}
    if each.name:
        properties["name"] = each.name
    if each.colour is not None:
        properties["color"] = list(each.colour)
    if each.class_name:
        properties["classification"] = _class(each)
    if each.locked:
        properties["isLocked"] = True
    if each.measurements:
        properties["measurements"] = dict(each.measurements)
    named = {"id": each.id} if each.id else {}
    return {"type": "Feature", **named, "geometry": shapely.geometry.mapping(shape), "properties": properties}


def _class(each: QuPathObject) -> dict[str, Any]:
    """Return the class; QuPath writes the names of a derived one as a list."""
    names = each.class_name.split(": ")
    said: dict[str, Any] = {"names": names} if len(names) > 1 else {"name": each.class_name}
    return said if each.class_colour is None else {**said, "color": list(each.class_colour)}


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
