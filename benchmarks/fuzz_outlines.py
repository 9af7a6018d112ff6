"""The doors of annotations: GeoJSON of QuPath, XML of ASAP, tables of points."""

import json
from pathlib import Path
from typing import Any

from benchmarks.fuzz_doors import Door, Files
from tasks.slides.asap import read_asap
from tasks.slides.points import PointColumns, read_points
from tasks.slides.qupath import read_qupath
from tasks.slides.qupath_objects import read_qupath_objects

_RING = [[0, 0], [40, 0], [40, 30], [0, 30], [0, 0]]
_HOLE = [[5, 5], [9, 5], [9, 9], [5, 5]]


def _feature(kind: str, coordinates: Any) -> dict[str, Any]:
    said = {"objectType": "annotation", "name": "n", "classification": {"name": "Tumor", "color": [1, 2, 3]}}
    return {
        "type": "Feature", "id": "PathAnnotationObject", "properties": said,
        "geometry": {"type": kind, "coordinates": coordinates},
    }  # fmt: skip


_GEOJSON: tuple[Files, ...] = tuple(
    {"a.geojson": json.dumps(each).encode()}
    for each in (
        {"type": "FeatureCollection", "features": [_feature("Polygon", [_RING, _HOLE])] * 2},
        [_feature("MultiPolygon", [[_RING], [_HOLE]]), _feature("Point", [1, 2])],
        _feature("GeometryCollection", None) | {"geometry": {"type": "GeometryCollection", "geometries": []}},
        _feature("LineString", _RING),
    )
)
_MEASURED = _feature("Polygon", [_RING]) | {
    "properties": {
        "objectType": "tile", "name": "a", "color": [1, 2, 3], "measurements": {"b": 0.5, "c": 1},
        "classification": {"names": ["Tumor", "Positive"], "colorRGB": -3670016}, "isLocked": True,
    }
}  # fmt: skip
_OBJECTS = (*_GEOJSON, {"a.geojson": json.dumps([_MEASURED]).encode()})
_AREA = "".join(f'<Coordinate Order="{i}" X="{x}" Y="{y}"/>' for i, (x, y) in enumerate(_RING))
_ASAP: tuple[Files, ...] = tuple(
    {
        "a.xml": (
            f'<?xml version="1.0" encoding="{encoding}"?><ASAP_Annotations><Annotations><Annotation Name="a" '
            f'Type="{kind}" PartOfGroup="Tumor"><Coordinates>{_AREA}</Coordinates></Annotation>'
            '</Annotations><AnnotationGroups><Group Name="Tumor"/></AnnotationGroups></ASAP_Annotations>'
        ).encode(encoding)
    }
    for kind, encoding in (("Polygon", "utf-8"), ("Spline", "utf-16"), ("Dot", "iso-8859-1"))
)


def _points(folder: Path) -> None:
    read_points(folder / "p.csv", PointColumns("x", "y", "label", "slide"), {"s"})


DOORS = {
    "geojson": Door(_GEOJSON, lambda f: read_qupath(f / "a.geojson", (0.0, 0.0))),
    "objects": Door(_OBJECTS, lambda f: read_qupath_objects(f / "a.geojson")),
    "asap": Door(_ASAP, lambda f: read_asap(f / "a.xml")),
    "points": Door(({"p.csv": b"slide,x,y,label\ns,1,2,a\ns,3.5,4,b\n"},), _points),
}
