"""A filled checklist as a Markdown page."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from tasks.reporting.checklists.facts import Fact, FactTable
from tasks.reporting.checklists.filled import FilledChecklist, FilledItem

MUST_ADD = "The author must add"
_ESCAPES = str.maketrans({"<": "&lt;", ">": "&gt;", "*": r"\*", "|": r"\|", "\n": " "})


def write_markdown(filled: FilledChecklist) -> str:
    """Return the page; it ends with a line break."""
    blocks = [
        f"# {_plain(filled.study)}: {filled.checklist.title}",
        _plain(filled.credit),
        filled.counts,
        *map(_plain, filled.notes),
    ]
    for section, items in groupby(filled.items, key=lambda each: each.item.section):
        blocks.append(f"## {section}")
        for item in items:
            blocks += _item(item)
    return "\n\n".join([*blocks, *_patients(filled), *_artifacts(filled)]) + "\n"


def _item(filled: FilledItem) -> Iterator[str]:
    yield f"### {filled.item.number}. {_plain(filled.item.asks)}"
    for fact in filled.facts:
        yield from _fact(fact)
    if filled.to_add:
        yield f"**{MUST_ADD}:** {_plain(filled.to_add)}."


def _fact(fact: Fact) -> Iterator[str]:
    yield f"{_plain(fact.text)} *From: {_plain(fact.origin)}.*"
    if fact.table is not None:
        yield _table(fact.table)


def _patients(filled: FilledChecklist) -> Iterator[str]:
    if filled.patients:
        yield "## Patients, as salted hashes"
        yield "\n".join(
            f"- {split} ({len(hashes)}): {', '.join(hashes)}" for split, hashes in filled.patients.items()
        )


def _artifacts(filled: FilledChecklist) -> Iterator[str]:
    if filled.artifacts is not None:
        yield "## Stored artifacts of the study"
        yield _table(filled.artifacts)


def _table(table: FactTable) -> str:
    rule = ["---"] * len(table.header)
    return "\n".join(_row(row) for row in (table.header, rule, *table.rows))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_plain, cells))} |"


def _plain(text: str) -> str:
    """Return a text that Markdown shows as it is."""
    return text.translate(_ESCAPES)
