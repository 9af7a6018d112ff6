"""Checks between the rows of a manifest, and between a row and the disk."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path, PureWindowsPath

from tasks.artifacts.backends.address import url_in
from tasks.slides.identifiers import normal_form, spelt_twice
from tasks.slides.manifest_lines import Problems
from tasks.slides.mirror import mirror_of, size_of
from tasks.slides.row import SlideRow, input_files

_STARTS = {".geojson": (b"{", b"["), ".json": (b"{", b"["), ".xml": (b"<",)}

Numbered = Sequence[tuple[int, SlideRow]]
"""Rows with their numbers in the file."""


def file_problems(row: SlideRow, data_root: Path) -> list[str]:
    """Return problems with the paths of a row's files: outside the data root, or missing."""
    problems = []
    root = data_root.resolve()
    for name, relative in input_files(row).items():
        path = data_root / relative
        if url_in(relative) is None and _is_address(relative):
            problems.append(f"the {name} {relative!r} is no path below the data root, with / between folders")
        elif _leaves(relative, path, root):
            problems.append(f"the {name} {relative!r} leaves the data root")
        elif (size := size_of(path)) is None:
            problems.append(f"the {name} {relative!r} is not there")
        elif name != "slide" and not size:
            problems.append(f"the {name} {relative!r} is empty")
        elif name == "annotation" and not _starts_well(path):
            problems.append(f"the annotation {relative!r} does not start as a {path.suffix} file does")
    return problems


def _is_address(relative: str) -> bool:
    """Whether a cell is an address or a path of Windows, which other systems take for a strange file name."""
    return "://" in relative or bool(PureWindowsPath(relative).drive) or "\\" in relative


def _leaves(relative: str, path: Path, root: Path) -> bool:
    if url_in(relative) is not None or Path(relative).is_absolute():
        return True
    if mirror_of(root) is not None and ".." in Path(relative).parts:
        # Object stores know no parents: such a name is that of another object there.
        return True
    return not path.resolve().is_relative_to(root)


def _starts_well(path: Path) -> bool:
    """Whether the first letter of an outline file is one of its format; whole files are read later."""
    starts = _STARTS.get(path.suffix.lower())
    if starts is None:
        return True
    # Leaves out byte order marks, the zeros of UTF-16, and white space.
    first = _head(path, 256).translate(None, b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")
    return first[:1] in starts


def _head(path: Path, count: int) -> bytes:
    mirror = mirror_of(path)
    if mirror is not None:
        return mirror.head(path, count)
    with path.open("rb") as stream:
        return stream.read(count)


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
    patients = {normal_form(row.patient_id) for _, row in rows}
    return [
        (number, f"slide_id {row.slide_id!r} is a patient_id too; slide ids are shown, so give another")
        for number, row in rows
        if normal_form(row.slide_id) in patients
    ]


def two_spellings(rows: Numbered) -> Problems:
    """Return a problem for each patient, site or slide whose id has two spellings.

    ``007`` and ``7`` may be one patient, who then could be on both sides of a split. Only the person who
    wrote the manifest knows. Ids of patients are not shown.
    """
    problems: Problems = []
    for column, read, shown in _IDS:
        written = [(number, value) for number, row in rows if (value := read(row)) is not None]
        by_row = dict(written)
        for twice in spelt_twice(written):
            own, other = ((f" {by_row[n]!a}" if shown else "") for n in (twice.second, twice.first))
            problems.append(
                (
                    twice.second,
                    f"{column}{own} and that of row {twice.first}{other} differ only in {twice.difference}; "
                    "which is meant? Write one id in one way, and two ids so that they differ in more",
                )
            )
    return problems


_IDS: tuple[tuple[str, Callable[[SlideRow], str | None], bool], ...] = (
    ("patient_id", lambda row: row.patient_id, False),
    ("site", lambda row: row.site, True),
    ("slide_id", lambda row: row.slide_id, True),
)
"""Columns of ids, how they are read, and whether they may be shown."""


def split_patients(rows: Numbered, shared: frozenset[str]) -> Problems:
    """Return a problem for each patient whose slides lie in several splits, at each row that strays first.

    Train and val may share a patient of ``shared``; test shares none. Patients are told by their slides.
    """
    splits: dict[str, dict[str, str]] = defaultdict(dict)
    problems = []
    for number, row in rows:
        seen = splits[row.patient_id]
        clash = [split for split in seen if split != row.split and not _may_share(row, split, shared)]
        if clash and row.split not in seen:
            problems.append(
                (
                    number,
                    f"the patient of slide {row.slide_id!r} lies in {row.split} and in "
                    + " and ".join(f"{split} (slide {seen[split]!r})" for split in clash),
                )
            )
        seen.setdefault(row.split, row.slide_id)
    return problems


def _may_share(row: SlideRow, other: str, shared: frozenset[str]) -> bool:
    return row.patient_id in shared and "test" not in (row.split, other)
