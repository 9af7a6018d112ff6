"""The manifest: the versioned input of a study, read once and fully checked."""

import csv
import difflib
import hashlib
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.slides.errors import ManifestError
from tasks.slides.manifest_checks import (
    duplicates,
    file_problems,
    named_after_patients,
    same_content,
    split_patients,
)
from tasks.slides.row import COLUMNS, REQUIRED, SlideRow, input_files

__all__ = ["Manifest", "SlideRow", "assert_disjoint", "input_files", "load_manifest"]


class Manifest(BaseModel):
    """The slides of a cohort, in the order of the file."""

    model_config = ConfigDict(frozen=True)

    slides: tuple[SlideRow, ...]

    @property
    def split_hash(self) -> str:
        """The sha256 of the assignment of patients to splits, independent of paths and row order."""
        split = sorted((row.slide_id, row.patient_id, row.split) for row in self.slides)
        return hashlib.sha256(json.dumps(split).encode()).hexdigest()


def load_manifest(
    csv_file: Path, data_root: Path, shared_patients: frozenset[str], file_hash: Callable[[Path], str]
) -> tuple[Manifest, dict[str, str]]:
    """Read a manifest and check everything about it.

    Args:
        csv_file: UTF-8, with a header; columns as in ``SlideRow``.
        data_root: the folder that all paths start from and none may leave.
        shared_patients: patients who may lie in both train and val (never in test).
        file_hash: returns the hex sha256 of a file.

    Returns:
        The manifest, and {slide_id: sha256 of the slide file}.

    Raises:
        ManifestError: with every problem of the file, by row number (the header is row 1).
    """
    rows, problems = _rows(csv_file)
    numbered = list(rows.items())
    files = {number: file_problems(row, data_root) for number, row in numbered}
    found = {number: file_hash(data_root / row.path) for number, row in numbered if not files[number]}
    problems += [(number, text) for number, texts in files.items() for text in texts]
    problems += duplicates(numbered) + named_after_patients(numbered) + same_content(numbered, found)
    problems += split_patients(numbered, shared_patients)
    if problems:
        raise ManifestError(tuple(f"row {number}: {text}" for number, text in sorted(problems)))
    return Manifest(slides=tuple(rows.values())), {
        rows[number].slide_id: own for number, own in found.items()
    }


def assert_disjoint(rows: Sequence[SlideRow], shared_patients: frozenset[str]) -> None:
    """Raise ManifestError if a patient is in more than one split.

    A patient of ``shared_patients`` may be in train and val; none may be in test and another split.
    """
    problems = split_patients(list(enumerate(rows, start=2)), shared_patients)
    if problems:
        raise ManifestError(tuple(text for _, text in problems))


def _rows(csv_file: Path) -> tuple[dict[int, SlideRow], list[tuple[int, str]]]:
    """Return {row number: row} of the rows that can be read, and the problems of the others."""
    header, *lines = _lines(csv_file)
    problems = [(1, text) for text in _header_problems(header)]
    if problems:
        raise ManifestError(tuple(f"row {number}: {text}" for number, text in problems))
    rows: dict[int, SlideRow] = {}
    for number, cells in enumerate(lines, start=2):
        if len(cells) > len(header):
            problems.append((number, f"{len(cells)} cells under {len(header)} column names"))
        elif any(cell.strip() for cell in cells):
            try:
                rows[number] = SlideRow.model_validate(dict(zip(header, cells, strict=False)))
            except ValidationError as error:
                problems += [(number, text) for text in _sentences(error)]
    if not rows and not problems:
        problems.append((1, "no slide follows the header"))
    return rows, problems


def _lines(csv_file: Path) -> list[list[str]]:
    if not csv_file.is_file():
        raise ManifestError((f"there is no manifest {csv_file.name}",))
    try:
        text = csv_file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError((f"{csv_file.name} is not UTF-8: {error}",)) from error
    lines = list(csv.reader(io.StringIO(text)))
    if not lines:
        raise ManifestError((f"{csv_file.name} is empty",))
    return [[name.strip() for name in lines[0]], *lines[1:]]


def _header_problems(header: Sequence[str]) -> list[str]:
    problems = [f"column {name!r} is missing" for name in REQUIRED if name not in header]
    problems += [f"column {name!r} stands twice" for name in sorted(set(header)) if header.count(name) > 1]
    for name in header:
        if name not in COLUMNS:
            near = difflib.get_close_matches(name, COLUMNS, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            problems.append(f"column {name!r} is unknown{hint}; there are: {', '.join(COLUMNS)}")
    return problems


def _sentences(error: ValidationError) -> list[str]:
    return [f"{issue['loc'][0]} {issue['input']!r}: {issue['msg']}" for issue in error.errors()]
