"""A table of points on slides: positions in level-0 pixels, each with a label or a number."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.slides.csv_text import CsvTextError, csv_lines
from tasks.slides.errors import SlideError


@dataclass(frozen=True)
class PointTable:
    """The points of one slide, in the sequence of the file.

    Attributes:
        x: position in level-0 pixels to the right, float64 [N].
        y: position in level-0 pixels downwards, float64 [N].
        texts: the label or number of each point, as written; "" where the cell is empty.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class PointColumns:
    """The columns of a table of points.

    Attributes:
        x: column of the position to the right.
        y: column of the position downwards.
        text: column of the label or number.
        slide: column that says which slide a point is of; None: all points are of this slide.
    """

    x: str
    y: str
    text: str
    slide: str | None


def read_points(path: Path, columns: PointColumns, names: Collection[str]) -> PointTable:
    """Return the points of one slide.

    Args:
        path: CSV, UTF-8, with a header; other columns are not read.
        columns: which columns hold what.
        names: what the slide is called in the slide column.

    Raises:
        SlideError: no such file, a column that is absent, or a position that is no finite number.
    """
    rows = _rows(path, columns)
    own = [(line, row) for line, row in rows if columns.slide is None or row[columns.slide].strip() in names]
    if rows and not own:
        assert columns.slide is not None
        there = sorted({row[columns.slide].strip() for _, row in rows})
        raise SlideError(
            f"{path.name}: no point of {len(rows)} is of this slide ({' or '.join(sorted(names))}); column "
            f"{columns.slide!r} holds {', '.join(there[:8])}"
        )
    return PointTable(
        x=np.array([_number(path, line, columns.x, row) for line, row in own], dtype=np.float64),
        y=np.array([_number(path, line, columns.y, row) for line, row in own], dtype=np.float64),
        texts=tuple(row[columns.text].strip() for _, row in own),
    )


def _rows(path: Path, columns: PointColumns) -> list[tuple[int, Mapping[str, str]]]:
    """Return (line of the file, {column: cell}) of every row that is not empty."""
    if not path.is_file():
        raise SlideError(f"{path.name}: there is no such table of points")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SlideError(f"{path.name} is not UTF-8: {error}") from error
    try:
        header, *lines = csv_lines(text) or [[]]
    except CsvTextError as error:
        raise SlideError(f"{path.name}: {error}") from error
    header = [name.strip() for name in header]
    wanted = [name for name in (columns.x, columns.y, columns.text, columns.slide) if name is not None]
    absent = [name for name in wanted if name not in header]
    if absent:
        raise SlideError(
            f"{path.name} has no column {absent[0]!r}; it has {', '.join(header) or 'none'}. "
            "tile.points says which columns are read"
        )
    twice = [name for name in wanted if header.count(name) > 1]
    if twice:
        raise SlideError(f"{path.name}: column {twice[0]!r} stands twice")
    for line, cells in enumerate(lines, start=2):
        _refuse_broken(f"{path.name}: line {line}", cells, len(header))
    return [
        (line, dict(zip(header, cells, strict=False)))
        for line, cells in enumerate(lines, start=2)
        if any(cell.strip() for cell in cells)
    ]


def _refuse_broken(where: str, cells: Sequence[str], width: int) -> None:
    """Refuse a row that is not one line with one cell per column; rows must neither shift nor vanish."""
    if cells and len(cells) < width:
        raise SlideError(f"{where} has fewer cells than the {width} columns")
    if any("\n" in cell or "\r" in cell for cell in cells):
        raise SlideError(f"{where} opens a quotation mark and does not close it; a row is one line")
    if any(cell.strip() for cell in cells[width:]):
        raise SlideError(f"{where} has more cells than the {width} columns; decimals need a point")


def _number(path: Path, line: int, column: str, row: Mapping[str, str]) -> float:
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SlideError(f"{path.name}: line {line} has {column} {row[column]!r}; allowed is a finite number")
    return value
