"""The lines of a manifest as cells. A row is one line: no cell goes over a line break."""

import csv
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tasks.slides.errors import ManifestError
from tasks.slides.present import is_present

Problems = list[tuple[int, str]]
"""Row numbers, as a spreadsheet shows them, and sentences."""

_LINE_BREAKS = "\u2028\u2029"


class Line(NamedTuple):
    """One line of the file: its number, from 1, and its cells as they are written."""

    number: int
    cells: list[str]


def read_lines(csv_file: Path) -> tuple[list[Line], Problems]:
    """Return the header and every line that can be read, and the problems of the others.

    A quotation mark that is not closed in its line is a problem of that line. Lines after it are read on
    their own if they have as many cells as the header, so that their problems are told too.

    Raises:
        ManifestError: the file is absent, not UTF-8 or empty, or its header cannot be read.
    """
    texts = _text_of(csv_file).split("\n")
    width = len(_parsed(texts, 0)[0])
    lines: list[Line] = []
    problems: Problems = []
    open_until = 0
    for index in range(len(texts)):
        number = index + 1
        cells, closed = _parsed(texts, index)
        if closed != index:
            open_until = max(open_until, closed)
            problems.append((number, _open_quote(lines, texts[index], closed, len(texts))))
        elif index > open_until or len(cells) == width:
            held = _control_characters(lines, cells)
            problems += [(number, sentence) for sentence in held]
            if not held:
                lines.append(Line(number, cells))
        if number == 1 and problems:
            raise ManifestError(tuple(f"row 1: {sentence}" for _, sentence in problems))
    return lines, problems


def _text_of(csv_file: Path) -> str:
    if not is_present(csv_file):
        raise ManifestError((f"there is no manifest {csv_file.name}",))
    try:
        text = csv_file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError((f"{csv_file.name} is not UTF-8: {error}",)) from error
    if not text:
        raise ManifestError((f"{csv_file.name} is empty",))
    return text


def _parsed(texts: Sequence[str], index: int) -> tuple[list[str], int]:
    """Return the cells that start in line ``index``, and the index of the line in which they end.

    That index is the number of lines where a quotation mark is never closed.
    """
    # The empty line after the last tells a quotation mark that closes there from one that never does.
    reader = csv.reader(f"{texts[i]}\n" if i < len(texts) else "" for i in range(index, len(texts) + 1))
    try:
        cells = next(reader, [])
    except csv.Error as error:
        if reader.line_num > 1:  # the rest of the file is too long for one cell
            return texts[index].split(","), len(texts)
        raise ManifestError((f"row {index + 1}: {error}",)) from error
    return cells, index + max(reader.line_num, 1) - 1


def _open_quote(lines: Sequence[Line], text: str, closed: int, count: int) -> str:
    # In its line the open cell is the last; where it closes, further cells may follow.
    column = _column(lines, len(next(csv.reader([text]))) - 1)
    until = "is never closed" if closed == count else f"closes only in row {closed + 1}"
    return (
        f"a quotation mark opens in {column} and {until}; a row is one line, so close it in the line and "
        "write no line break into a cell"
    )


def _control_characters(lines: Sequence[Line], cells: Sequence[str]) -> list[str]:
    held = []
    for index, cell in enumerate(cells):
        odd = [
            c for c in cell.strip() if c in _LINE_BREAKS or (unicodedata.category(c) == "Cc" and c != "\t")
        ]
        if odd:
            column = _column(lines, index)
            held.append(f"{column} holds a line break or control character (U+{ord(odd[0]):04X}); delete it")
    return held


def _column(lines: Sequence[Line], index: int) -> str:
    header = lines[0].cells if lines else []
    named = header[index].strip() if index < len(header) else ""
    return f"column {named!r}" if named else f"cell {index + 1}"
