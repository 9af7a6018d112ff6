"""What a study says of itself, each statement with the artifact or file that it was read from."""

from dataclasses import dataclass

from tasks.reporting.checklists.checklist import Topic


@dataclass(frozen=True)
class FactTable:
    """Rows of cells below one header, all of one length."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Fact:
    """One statement about a study.

    Attributes:
        topic: what it is about.
        text: one or more sentences. No patient is named.
        origin: the artifact or file that it was read from.
        table: what does not fit into a sentence.
    """

    topic: Topic
    text: str
    origin: str
    table: FactTable | None = None
