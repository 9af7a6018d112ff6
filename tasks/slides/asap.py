"""Outlines as ASAP writes them: XML, the format of the CAMELYON annotations, in level-0 pixels.

In CAMELYON16 the groups ``Tumor``, ``_0`` and ``_1`` are tumour and ``_2`` is what was left out of it; in
CAMELYON17 ``metastases`` is tumour and ``normal`` is left out. So an area of a group named ``_2``,
``exclusion``, ``exclude`` or ``normal`` is cut out of every other outline of the file, and ``_0`` and
``_1`` are read as ``Tumor``.
"""

import xml.etree.ElementTree as ET
from pathlib import Path

import shapely

from tasks.slides.errors import SlideError
from tasks.slides.outline import Outline, outline_from

_LEFT_OUT = frozenset({"_2", "exclusion", "exclude", "normal"})
_TUMOUR = frozenset({"_0", "_1"})


def read_asap(path: Path) -> tuple[Outline, ...]:
    """Return the outlines of an ASAP file without the areas of its exclusion groups.

    Raises:
        SlideError: not an XML of this kind, a document type (never needed), or an outline without area.
    """
    root = _root(path)
    drawn = [
        _outline(annotation, f"{path.name}: annotation {number}")
        for number, annotation in enumerate(root.iter("Annotation"), start=1)
    ]
    left_out = shapely.union_all([outline.polygon for outline in drawn if _is_left_out(outline)])
    kept = [_without(outline, left_out) for outline in drawn if not _is_left_out(outline)]
    return tuple(outline for outline in kept if not outline.polygon.is_empty)


def _root(path: Path) -> ET.Element:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise SlideError(f"{path.name} declares a document type; an ASAP annotation file needs none")
        root = ET.fromstring(text)  # noqa: S314  # no document type, so no entity can expand
    except (ET.ParseError, UnicodeDecodeError) as error:
        raise SlideError(f"{path.name} is no XML: {error}") from error
    if root.tag != "ASAP_Annotations":
        raise SlideError(f"{path.name} begins with <{root.tag}>; an ASAP file begins with <ASAP_Annotations>")
    return root


def _outline(annotation: ET.Element, where: str) -> Outline:
    try:
        corners = sorted(annotation.iter("Coordinate"), key=lambda corner: float(corner.get("Order", "0")))
        points = [(float(corner.attrib["X"]), float(corner.attrib["Y"])) for corner in corners]
    except (KeyError, ValueError) as error:
        raise SlideError(f"{where} has a corner without a number: {error}") from error
    if len(points) < 3:
        raise SlideError(f"{where} has {len(points)} corners; an area needs 3")
    group = annotation.get("PartOfGroup", "")
    return outline_from("Tumor" if group in _TUMOUR else group, shapely.Polygon(points), where)


def _is_left_out(outline: Outline) -> bool:
    return outline.class_name.lower() in _LEFT_OUT


def _without(outline: Outline, left_out: shapely.Geometry) -> Outline:
    return Outline(outline.class_name, outline.polygon.difference(left_out), outline.repaired)
