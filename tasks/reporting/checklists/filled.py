"""A checklist with the facts of one study beside its items, and what is left to its author."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from tasks.reporting.checklists.checklist import Checklist, ChecklistItem
from tasks.reporting.checklists.facts import Fact, FactTable

Answer = Literal["from the store", "in part", "by the author"]
SILENT = "what the item asks for; nothing that is stored of the study says it"


@dataclass(frozen=True)
class FilledItem:
    """One item with what the study says of it."""

    item: ChecklistItem
    facts: tuple[Fact, ...]

    @property
    def answer(self) -> Answer:
        """Who answers it: the store, the author, or each a part."""
        if not self.facts:
            return "by the author"
        return "in part" if self.item.author else "from the store"

    @property
    def to_add(self) -> str:
        """What the author must add; empty where the store says it all."""
        return self.item.author or ("" if self.facts else SILENT)


@dataclass(frozen=True)
class FilledChecklist:
    """A checklist that was filled for one study.

    Attributes:
        study: name of the study.
        checklist: which.
        items: one per item of the checklist, in its sequence.
        notes: what a reader must know first, such as that the study is not finished.
        patients: {split: salted hashes of its patients}; empty where the home has no salt.
        artifacts: what is stored of the study.
    """

    study: str
    checklist: Checklist
    items: tuple[FilledItem, ...]
    notes: tuple[str, ...] = ()
    patients: dict[str, tuple[str, ...]] = field(default_factory=dict)
    artifacts: FactTable | None = None

    def count(self, answer: Answer) -> int:
        """Return how many items have this answer."""
        return sum(each.answer == answer for each in self.items)

    @property
    def credit(self) -> str:
        """Whose checklist it is, and whose words."""
        source = self.checklist.source
        return f"Numbers and subjects of the items are those of: {source}. The words are ours."

    @property
    def counts(self) -> str:
        """How many items the store answers, and how many are left to the author, in one sentence."""
        return (
            f"Of {len(self.items)} items, {self.count('from the store')} are answered from the store, "
            f"{self.count('in part')} in part, and {self.count('by the author')} are left to the author."
        )


def fill(checklist: Checklist, facts: Sequence[Fact]) -> tuple[FilledItem, ...]:
    """Return every item with the facts of its topics, in the sequence of the topics and then of the facts."""
    return tuple(
        FilledItem(item, tuple(fact for topic in item.topics for fact in facts if fact.topic == topic))
        for item in checklist.items
    )
