"""The columns of a manifest: those with a meaning, metadata, and names that were mistyped."""

import difflib
from collections.abc import Mapping, Sequence, Set
from itertools import pairwise
from typing import NamedTuple

from tasks.slides.row import COLUMNS, REQUIRED

_SHORT, _MIDDLE = 4, 6
"""Names of up to 4 letters have other words one letter away; up to 6 letters, two slips make another word."""


class Columns(NamedTuple):
    """The header of a manifest; a column without a name is left out.

    Attributes:
        meant: {index: name} of the columns with a meaning.
        metadata: {index: name} of all others.
        nameless: the indices of columns without a name.
    """

    meant: Mapping[int, str]
    metadata: Mapping[int, str]
    nameless: frozenset[int]


def read_header(cells: Sequence[str]) -> tuple[Columns, list[str]]:
    """Return the columns, and a sentence for each that is missing, mistyped or written twice."""
    names = [name.strip() for name in cells]
    needed = _needed(names)
    problems = [f"column {name!r} is missing" for name in needed if name not in names]
    problems += [
        f"column {name!r} stands twice" for name in sorted(set(names)) if name and names.count(name) > 1
    ]
    extra = {i: name for i, name in enumerate(names) if name and name not in COLUMNS}
    # Without the needed columns nobody can say which of the others are metadata.
    incomplete = not needed <= set(names)
    for name in extra.values():
        near = _meant_by(name, names)
        if near or incomplete:
            problems.append(_unknown(name, near))
    meant = {i: name for i, name in enumerate(names) if name in COLUMNS}
    nameless = frozenset(i for i, name in enumerate(names) if not name)
    return Columns(meant, extra, nameless), problems


def _needed(names: Sequence[str]) -> Set[str]:
    """Return the columns that must be there; features stand for the slide where there is no path."""
    return {name: None for name in REQUIRED if name != "path" or "features" not in names}.keys()


def cells_of(columns: Columns, cells: Sequence[str]) -> tuple[dict[str, object], list[str]]:
    """Return the fields of a ``SlideRow``, and what is wrong with the number of cells."""
    width = len(columns.meant) + len(columns.metadata) + len(columns.nameless)
    written = {i: cell.strip() for i, cell in enumerate(cells) if cell.strip()}
    problems = []
    if any(i >= width for i in written):
        problems.append(f"{max(written) + 1} cells under {width} column names")
    problems += [
        f"column {i + 1} has no name and a cell that is not empty"
        for i in sorted(columns.nameless & set(written))
    ]
    fields: dict[str, object] = {name: cells[i] for i, name in columns.meant.items() if i < len(cells)}
    metadata = {name: written[i] for i, name in columns.metadata.items() if i in written}
    return {**fields, "metadata": metadata}, problems


def _unknown(name: str, near: str | None) -> str:
    listed = f"there are: {', '.join(COLUMNS)}"
    if near is None:
        return f"column {name!r} is unknown; {listed}"
    return (
        f"column {name!r} is unknown (did you mean {near!r}?); {listed}; "
        "a column that is only metadata needs a name of its own"
    )


def _meant_by(name: str, names: Sequence[str]) -> str | None:
    """Return the column that ``name`` looks like a mistyped form of, or None where it is metadata."""
    for column in COLUMNS:
        if _plain(name) == _plain(column):
            return column
    slips = [column for column in COLUMNS if column not in names and _is_slip(_plain(name), _plain(column))]
    return difflib.get_close_matches(name, slips, n=1, cutoff=0)[0] if slips else None


def _plain(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


def _is_slip(name: str, column: str) -> bool:
    if abs(len(name) - len(column)) > 2:  # a name may have any length, and two slips are the most
        return False
    slips = _slips(name, column)
    if len(column) <= _SHORT:
        # "side" is no mistyped "site": a letter was added, left out or swapped with its neighbour.
        return slips == 1 and (len(name) != len(column) or sorted(name) == sorted(column))
    return slips <= (1 if len(column) <= _MIDDLE else 2)


def _slips(one: str, other: str) -> int:
    """Return how many letters were added, left out, replaced or swapped with the next one."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, (last, letter) in enumerate(pairwise(" " + one), start=1):
        following = [i]
        for j, (last_other, own) in enumerate(pairwise(" " + other), start=1):
            cost = min(row[j] + 1, following[j - 1] + 1, row[j - 1] + (letter != own))
            if before and j > 1 and letter == last_other and last == own:
                cost = min(cost, before[j - 2] + 1)
            following.append(cost)
        before, row = row, following
    return row[-1]
