"""Checks between the rows of a manifest, and between a row and the disk."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from tasks.slides.row import SlideRow, input_files

Numbered = Sequence[tuple[int, SlideRow]]
"""Rows with their numbers in the file."""

Problems = list[tuple[int, str]]
"""Row numbers and sentences."""


def file_problems(row: SlideRow, data_root: Path) -> list[str]:
    """Return problems with the paths of a row's files: outside the data root, or missing."""
    problems = []
    root = data_root.resolve()
    for name, relative in input_files(row).items():
        path = data_root / relative
        if Path(relative).is_absolute() or not path.resolve().is_relative_to(root):
            problems.append(f"the {name} {relative!r} leaves the data root")
        elif not path.is_file():
            problems.append(f"the {name} {relative!r} is not there")
    return problems


def duplicates(rows: Numbered) -> Problems:
    """Return a problem for each slide_id that an earlier row has too."""
    first: dict[str, int] = {}
    problems = []
    for number, row in rows:
        earlier = first.setdefault(row.slide_id, number)
        if earlier != number:
            problems.append((number, f"slide_id {row.slide_id!r} stands in row {earlier} too"))
    return problems


def named_after_patients(rows: Numbered) -> Problems:
    """Return a problem for each slide that bears a patient's id: slide ids are shown, patient ids never."""
    patients = {row.patient_id for _, row in rows}
    return [
        (number, f"slide_id {row.slide_id!r} is a patient_id too; slide ids are shown, so give another")
        for number, row in rows
        if row.slide_id in patients
    ]


def same_content(rows: Numbered, found: Mapping[int, str]) -> Problems:
    """Return wrong checksums, and slides with the same bytes as another slide.

    Args:
        rows: the rows.
        found: {row number: sha256 of the file} of the slides that are there.
    """
    first: dict[str, tuple[int, str]] = {}
    problems = []
    for number, row in rows:
        digest = found.get(number)
        if digest is None:
            continue
        if row.sha256 not in (None, digest):
            problems.append(
                (number, f"the slide {row.path!r} has sha256 {digest}, the manifest says {row.sha256}")
            )
        earlier, name = first.setdefault(digest, (number, row.slide_id))
        if name != row.slide_id:
            problems.append(
                (number, f"slide {row.slide_id!r} has the same bytes as {name!r} in row {earlier}")
            )
    return problems


def split_patients(rows: Numbered, shared: frozenset[str]) -> Problems:
    """Return a problem for each patient whose slides lie in several splits, at each row that strays first.

    Train and val may share a patient of ``shared``; test shares none.
    """
    splits: dict[str, list[str]] = defaultdict(list)
    problems = []
    for number, row in rows:
        seen = splits[row.patient_id]
        clash = [split for split in seen if split != row.split and not _may_share(row, split, shared)]
        if clash and row.split not in seen:
            problems.append(
                (number, f"patient {row.patient_id!r} lies in {row.split} and in {' and '.join(clash)}")
            )
        if row.split not in seen:
            seen.append(row.split)
    return problems


def _may_share(row: SlideRow, other: str, shared: frozenset[str]) -> bool:
    return row.patient_id in shared and "test" not in (row.split, other)
