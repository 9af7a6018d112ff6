"""A filled checklist as a DOCX file, by python-docx, which is in the extra ``reports``."""

import importlib.util
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.artifacts.whole_file import whole_file
from tasks.reporting.checklists.as_markdown import MUST_ADD
from tasks.reporting.checklists.facts import Fact, FactTable
from tasks.reporting.checklists.filled import FilledChecklist, FilledItem

if TYPE_CHECKING:
    from docx.document import Document

_TABLE_STYLE = "Light Grid Accent 1"
_TABLE_FONT = 8 * 12700
"""8 points, in the English metric units of the format."""


def can_write_word() -> bool:
    """Whether python-docx is installed."""
    return importlib.util.find_spec("docx") is not None


def write_word(filled: FilledChecklist, path: Path) -> None:
    """Write the file ``path``; one that is there is replaced when the new one is whole."""
    import docx  # an extra

    document = docx.Document()
    document.core_properties.author = "veritile"
    document.core_properties.title = f"{filled.study}: {filled.checklist.title}"
    document.core_properties.comments = ""
    document.add_heading(document.core_properties.title, level=0)
    for text in (filled.credit, filled.counts, *filled.notes):
        document.add_paragraph(text)
    for section, items in groupby(filled.items, key=lambda each: each.item.section):
        document.add_heading(section, level=1)
        for item in items:
            _item(document, item)
    _endings(document, filled)
    with whole_file(path) as draft:
        document.save(str(draft))


def _item(document: "Document", filled: FilledItem) -> None:
    document.add_heading(f"{filled.item.number}. {filled.item.asks}", level=2)
    for fact in filled.facts:
        _fact(document, fact)
    if filled.to_add:
        paragraph = document.add_paragraph()
        paragraph.add_run(f"{MUST_ADD}: ").bold = True
        paragraph.add_run(f"{filled.to_add}.")


def _fact(document: "Document", fact: Fact) -> None:
    paragraph = document.add_paragraph(f"{fact.text} ")
    paragraph.add_run(f"From: {fact.origin}.").italic = True
    if fact.table is not None:
        _table(document, fact.table)


def _endings(document: "Document", filled: FilledChecklist) -> None:
    if filled.patients:
        document.add_heading("Patients, as salted hashes", level=1)
        for split, hashes in filled.patients.items():
            document.add_paragraph(f"{split} ({len(hashes)}): {', '.join(hashes)}")
    if filled.artifacts is not None:
        document.add_heading("Stored artifacts of the study", level=1)
        _table(document, filled.artifacts)


def _table(document: "Document", table: FactTable) -> None:
    grid = document.add_table(rows=1 + len(table.rows), cols=len(table.header), style=_TABLE_STYLE)
    # Once: python-docx walks the whole table for every cell that is asked for.
    cells = iter(grid._cells)
    grid.style.font.size = _TABLE_FONT
    for row in (table.header, *table.rows):
        for text in row:
            next(cells).text = text
    document.add_paragraph()
