"""Outlines as ASAP writes them: XML, the format of the CAMELYON annotations, in level-0 pixels.

An area of a group named ``_2`` (CAMELYON16), ``normal`` (CAMELYON17), ``exclusion`` or ``exclude`` is an
exclusion: it is cut out of every other outline of the file.
"""

import xml.etree.ElementTree as ET
from pathlib import Path

import shapely

from tasks.slides.errors import SlideError
from tasks.slides.outline import Drawing, NoOutline, Outline, drawing_of, outline_from, refuse_impossible
from tasks.slides.text import xml_text

_ENCLOSE_AREA = ("polygon", "rectangle", "spline")
_EXCLUSIONS = frozenset({"_2", "exclusion", "exclude", "normal"})
_NO_GROUP = "none"


def read_asap(path: Path) -> Drawing:
    """Return what an ASAP file holds; points, measurements and unknown types are left out and counted.

    Raises:
        SlideError: not an XML of this kind, a document type (never needed), or a corner that is no number.
    """
    root = _root(path)
    return drawing_of(
        _outline(annotation, f"{path.name}: annotation {number}")
        for number, annotation in enumerate(root.iter("Annotation"), start=1)
    )


def _root(path: Path) -> ET.Element:
    text = xml_text(path)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise SlideError(f"{path.name} declares a document type; an ASAP annotation file needs none")
    try:
        root = ET.fromstring(text)  # noqa: S314  # no document type, so no entity can expand
    except ET.ParseError as error:
        raise SlideError(f"{path.name} is no XML: {error}") from error
    if root.tag != "ASAP_Annotations":
        raise SlideError(f"{path.name} begins with <{root.tag}>; an ASAP file begins with <ASAP_Annotations>")
    return root


def _outline(annotation: ET.Element, where: str) -> Outline | NoOutline:
    kind = annotation.get("Type", "").strip()
    if not kind:
        raise SlideError(f"{where} states no Type; those that enclose an area are Polygon, Rectangle, Spline")
    if kind.lower() not in _ENCLOSE_AREA:
        return NoOutline(f"an ASAP {kind} encloses no area")
    points = _points(annotation, where)
    refuse_impossible(points, where)
    if len(points) < 3:
        return NoOutline(f"an ASAP {kind} of fewer than 3 corners")
    group = annotation.get("PartOfGroup", "").strip()
    name = "" if group.lower() == _NO_GROUP else group  # ASAP writes the word where no group was chosen
    return outline_from(name, shapely.Polygon(points), where, cut_out=name.lower() in _EXCLUSIONS)


def _points(annotation: ET.Element, where: str) -> list[tuple[float, float]]:
    try:
        corners = sorted(annotation.iter("Coordinate"), key=lambda corner: float(corner.get("Order", "0")))
        return [(float(corner.attrib["X"]), float(corner.attrib["Y"])) for corner in corners]
    except (KeyError, ValueError) as error:
        raise SlideError(f"{where} has a corner without a number: {error}") from error
