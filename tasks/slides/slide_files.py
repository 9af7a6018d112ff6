"""All files of a slide. Several formats spread one slide over files that belong together."""

import configparser
from collections.abc import Callable, Mapping
from pathlib import Path

from tasks.slides.dicom import is_dicom
from tasks.slides.tile_lists.images import plain_files
from tasks.slides.tile_lists.tile_list import is_tile_list, read_tile_list

_MRXS, _HAMAMATSU = ".mrxs", (".vms", ".vmu")
_SLIDEDAT = "Slidedat.ini"

SeriesIn = Callable[[Path], Mapping[Path, str]]
"""Returns the series of every DICOM file of a folder, by its path."""


def slide_files(path: Path, series_in: SeriesIn) -> tuple[tuple[str, Path], ...]:
    """Return every file of a slide with its name in the slide, in the sequence of the names.

    * DICOM: all files of the folder that belong to the same series. Their names mean nothing, so they have
      none.
    * MRXS: the ``.mrxs``, and from the folder of the same name ``Slidedat.ini`` and the files that it names.
    * VMS and VMU: the index, and every file of the folder that it names.
    * Tile lists: the list, and every image file that it names. Images in archives are no files of their own;
      :func:`tasks.slides.content.entries_of` has them.
    * All other formats: the file itself.

    The file that ``path`` names has no name either: a slide that was renamed is the same slide.

    Raises:
        SlideError: a tile list that cannot be used, or an image of it that is not there.
    """
    kind = path.suffix.lower()
    if kind == _MRXS:
        return _with_own(path, _of_mrxs(path.with_suffix("")))
    if kind in _HAMAMATSU:
        return _with_own(path, _named_in(path, path.parent))
    if is_tile_list(path):
        return _with_own(path, dict(plain_files(path.parent, read_tile_list(path).images)))
    if is_dicom(path):
        return _of_series(path, series_in)
    return (("", path),)


def opens_without_bytes(path: Path) -> bool:
    """Whether a slide may be good although the file itself is empty: MRXS keeps everything in a folder."""
    return path.suffix.lower() == _MRXS and path.with_suffix("").is_dir()


def _with_own(path: Path, others: Mapping[str, Path]) -> tuple[tuple[str, Path], ...]:
    return (("", path), *sorted(others.items()))


def _of_mrxs(folder: Path) -> dict[str, Path]:
    index = folder / _SLIDEDAT
    if not index.is_file():
        return {p.name: p for p in folder.iterdir() if p.is_file()} if folder.is_dir() else {}
    return {index.name: index, **_named_in(index, folder)}


def _named_in(index: Path, folder: Path) -> dict[str, Path]:
    """Return the files of ``folder`` that any value of an ini file names."""
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",), allow_no_value=True)
    try:
        parser.read_string(index.read_text(encoding="utf-8-sig", errors="replace"))
    except configparser.Error:
        # What it names cannot be told, so everything beside it counts.
        return {p.name: p for p in folder.iterdir() if p.is_file() and p != index}
    values = {value.strip() for section in parser.values() for value in section.values() if value}
    # A value that leaves the folder is no member: Path.name would hide that, so it is compared.
    inside = {value for value in values if value and Path(value).name == value}
    return {value: folder / value for value in inside if (folder / value).is_file()}


def _of_series(path: Path, series_in: SeriesIn) -> tuple[tuple[str, Path], ...]:
    series = series_in(path.parent)
    own = series.get(path)
    if own is None:
        return (("", path),)
    return tuple(("", member) for member, its in sorted(series.items()) if its == own)
