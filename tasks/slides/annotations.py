"""Annotations: the areas that people outlined on a slide, in level-0 pixels."""

from pathlib import Path

from tasks.slides.asap import read_asap
from tasks.slides.errors import SlideError
from tasks.slides.outline import Outline
from tasks.slides.qupath import read_qupath

__all__ = ["Outline", "load_outlines"]


def load_outlines(path: Path, qupath_origin: tuple[float, float] = (0.0, 0.0)) -> tuple[Outline, ...]:
    """Return the outlines of an annotation file, in the order of the file.

    Args:
        path: QuPath GeoJSON (``.geojson``, ``.json``) or ASAP XML (``.xml``).
        qupath_origin: corner of the scanned area in level-0 pixels (``bounds_x``, ``bounds_y``), from which
            QuPath counts; ASAP counts from the corner of the slide.

    Raises:
        SlideError: a missing file, another format, or a content that cannot be read.
    """
    if not path.is_file():
        raise SlideError(f"{path.name}: there is no such annotation file")
    kind = path.suffix.lower()
    if kind in {".geojson", ".json"}:
        return read_qupath(path, qupath_origin)
    if kind == ".xml":
        return read_asap(path)
    raise SlideError(
        f"{path.name} is an annotation of unknown kind {kind!r}; allowed are .geojson, .json, .xml"
    )
