"""Annotations: what people drew on a slide, as outlines in level-0 pixels or as an image of classes."""

from pathlib import Path
from typing import Literal

from tasks.slides.asap import read_asap
from tasks.slides.errors import SlideError
from tasks.slides.outline import Drawing
from tasks.slides.present import is_present
from tasks.slides.qupath import read_qupath

QUPATH, ASAP = (".geojson", ".json"), (".xml",)
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")

AnnotationKind = Literal["outlines", "picture"]


def annotation_kind(path: Path) -> AnnotationKind:
    """Return whether an annotation file holds outlines or a picture of classes, by its suffix.

    Raises:
        SlideError: a missing file, or another format.
    """
    if not is_present(path):
        raise SlideError(f"{path.name}: there is no such annotation file")
    kind = path.suffix.lower()
    if kind in PICTURES:
        return "picture"
    if kind in (*QUPATH, *ASAP):
        return "outlines"
    raise SlideError(
        f"{path.name} is an annotation of unknown kind {kind!r}; allowed are "
        f"{', '.join((*QUPATH, *ASAP, *PICTURES))}"
    )


def load_outlines(path: Path, qupath_origin: tuple[float, float] = (0.0, 0.0)) -> Drawing:
    """Return the outlines of an annotation file, in the order of the file, and what was left out.

    Args:
        path: QuPath GeoJSON (``.geojson``, ``.json``) or ASAP XML (``.xml``).
        qupath_origin: corner of the scanned area in level-0 pixels (``bounds_x``, ``bounds_y``), from which
            QuPath counts; ASAP counts from the corner of the slide.

    Raises:
        SlideError: a missing file, another format, or a content that cannot be read.
    """
    if annotation_kind(path) == "picture":
        raise SlideError(f"{path.name} is a picture of classes and holds no outlines")
    return read_asap(path) if path.suffix.lower() in ASAP else read_qupath(path, qupath_origin)
