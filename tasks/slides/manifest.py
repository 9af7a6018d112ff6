"""The manifest: the versioned input of a study, read once and fully checked."""

import difflib
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.slides.content import SlideContent, SlideInputs
from tasks.slides.errors import ManifestError
from tasks.slides.manifest_checks import (
    Numbered,
    duplicates,
    file_problems,
    named_after_patients,
    split_patients,
    two_spellings,
)
from tasks.slides.manifest_columns import cells_of, read_header
from tasks.slides.manifest_lines import Problems, read_lines
from tasks.slides.mirror import mirror_of
from tasks.slides.row import SlideRow, below, input_files
from tasks.slides.same_slides import same_slides, suspects, wrong_checksums

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
    csv_file: Path,
    data_root: Path,
    shared_patients: frozenset[str],
    inputs: SlideInputs,
    classes: Sequence[str] = (),
) -> tuple[Manifest, dict[str, str]]:
    """Read a manifest and check everything about it.

    What needs no reading of slides is checked first. If that finds problems, only slides that may be the same
    are read, so that a mistyped cell is told at once.

    Args:
        csv_file: UTF-8, with a header; columns as in ``SlideRow``, all others are metadata.
        data_root: the folder that all paths start from and none may leave. Where it mirrors a URL, paths may
            be URLs below that one.
        shared_patients: patients who may lie in both train and val (never in test).
        inputs: looks into slide files.
        classes: the labels that slides may have; any where it is empty.

    Returns:
        The manifest, and {slide_id: digest over all files of the slide}.

    Raises:
        ManifestError: with every problem of the file, by row number (the header is row 1).
    """
    rows, problems = _rows(csv_file)
    mirror = mirror_of(data_root)
    if mirror is not None:
        rows = {number: below(row, str(mirror.address)) for number, row in rows.items()}
    numbered = list(rows.items())
    files = {number: file_problems(row, data_root) for number, row in numbered}
    problems += [(number, text) for number, texts in files.items() for text in texts]
    problems += duplicates(numbered) + named_after_patients(numbered) + two_spellings(numbered)
    problems += split_patients(numbered, shared_patients) + _strange_labels(numbered, classes)
    there = {number: data_root / row.path for number, row in numbered if not files[number]}
    read = suspects(rows, there) if problems else there
    contents = _contents(read, inputs)
    problems += [(number, content.problem) for number, content in contents.items() if content.problem]
    problems += wrong_checksums(rows, contents) + same_slides(rows, there, contents, inputs)
    if problems:
        raise ManifestError(tuple(f"row {number}: {text}" for number, text in sorted(problems)))
    return Manifest(slides=tuple(rows.values())), {
        rows[number].slide_id: content.digest for number, content in contents.items()
    }


def assert_disjoint(rows: Sequence[SlideRow], shared_patients: frozenset[str]) -> None:
    """Raise ManifestError if a patient is in more than one split.

    A patient of ``shared_patients`` may be in train and val; none may be in test and another split.
    """
    problems = split_patients(list(enumerate(rows, start=2)), shared_patients)
    if problems:
        raise ManifestError(tuple(text for _, text in problems))


def _contents(paths: dict[int, Path], inputs: SlideInputs) -> dict[int, SlideContent]:
    contents = inputs.contents(list(paths.values()))
    return {number: contents[path] for number, path in paths.items()}


def _rows(csv_file: Path) -> tuple[dict[int, SlideRow], Problems]:
    """Return {row number: row} of the rows that can be read, and the problems of the others."""
    (header, *lines), problems = read_lines(csv_file)
    columns, wrong = read_header(header.cells)
    if wrong:
        raise ManifestError(tuple(f"row 1: {text}" for text in wrong))
    rows: dict[int, SlideRow] = {}
    for number, cells in lines:
        if any(cell.strip() for cell in cells):
            fields, sentences = cells_of(columns, cells)
            problems += [(number, text) for text in sentences]
            if not sentences:
                try:
                    rows[number] = SlideRow.model_validate(fields)
                except ValidationError as error:
                    problems += [(number, text) for text in _sentences(error)]
    if not rows and not problems:
        problems.append((1, "no slide follows the header"))
    return rows, problems


def _sentences(error: ValidationError) -> list[str]:
    issues = [
        (issue["loc"], issue["input"], issue["msg"].removeprefix("Value error, ")) for issue in error.errors()
    ]
    return [f"{where[0]} {written!r}: {said}" if where else said for where, written, said in issues]


def _strange_labels(rows: Numbered, classes: Sequence[str]) -> Problems:
    """Return a problem for each label that is no class, told once with the first row that has it."""
    numbers: dict[str, list[int]] = {}
    for number, row in rows:
        if classes and row.label is not None and row.label not in classes:
            numbers.setdefault(row.label, []).append(number)
    plain = {name.casefold(): name for name in classes}
    problems = []
    for label, there in numbers.items():
        near = difflib.get_close_matches(label.casefold(), plain, n=1)
        hint = f" (did you mean {plain[near[0]]!r}?)" if near else ""
        more = f" on {len(there)} rows" if len(there) > 1 else ""
        problems.append(
            (there[0], f"label {label!r} is no class{more}{hint}; there are: {', '.join(classes)}")
        )
    return problems
