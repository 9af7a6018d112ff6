"""One place of a study: what a part is made from, known before its inputs are in hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flows.config import Stage
from tasks.artifacts.code import code_of
from tasks.artifacts.part import Part, Reference

Known = Mapping[str, Reference]
"""What is in hand so far: the reference of each place by its label."""


@dataclass(frozen=True)
class Slot:
    """One place: its coordinates, what it is made from, and what its verb must be told (``about``).

    ``needs`` maps an input's name to the label of the place that gives it.
    """

    stage: Stage
    label: str
    kind: str
    recipe: Mapping[str, Any]
    modules: tuple[str, ...]
    coords: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    about: Any = None

    def part(self, known: Known) -> Part | None:
        """Return the part, or None as long as an input is not in hand."""
        if self.missing(known):
            return None
        inputs = {name: str(known[label]) for name, label in self.needs.items()}
        return Part(
            stage=self.stage,
            label=self.label,
            kind=self.kind,
            recipe=self.recipe,
            inputs={**inputs, **self.files},
            code=code_of(self.modules),
            seed=self.seed,
        )

    def less(self, known: Known) -> "Slot":
        """Return this place without the inputs that could not be had; some stages make do with the rest."""
        return replace(self, needs={n: label for n, label in self.needs.items() if label in known})

    def missing(self, known: Known) -> tuple[str, ...]:
        """Return the labels of the inputs that are not in hand."""
        return tuple(label for label in self.needs.values() if label not in known)
