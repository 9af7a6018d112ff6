"""A checklist: its numbered items in our own words, and the topics of a study that answer each."""

from dataclasses import dataclass
from typing import Literal

Topic = Literal[
    "technology", "aims", "sources", "exclusion", "preprocessing", "subsets", "privacy", "missing",
    "acquisition", "reference_standard", "annotators", "partitions", "disjoint", "sample_size", "model",
    "software", "initialisation", "training", "selection", "ensembling", "metrics", "statistics",
    "robustness", "explanations", "internal_test", "sites", "flow", "labels", "performance", "faithfulness",
    "claims", "failures", "limits", "protocol", "availability", "class_balance", "output",
]  # fmt: skip
"""What a study can say something about."""


@dataclass(frozen=True)
class ChecklistItem:
    """One item of a checklist.

    Attributes:
        number: as the checklist numbers it, such as ``12a``.
        section: the heading that it stands under.
        asks: what it asks for, in our own words.
        topics: what of a study answers it, at least in part.
        author: what no study can say and an author must add. Empty: the study says it all.
    """

    number: str
    section: str
    asks: str
    topics: tuple[Topic, ...] = ()
    author: str = ""


@dataclass(frozen=True)
class Checklist:
    """A published checklist.

    Attributes:
        name: its name on the command line.
        title: its full name.
        source: where it was published.
        items: in the sequence of the publication.
    """

    name: str
    title: str
    source: str
    items: tuple[ChecklistItem, ...]
