"""Where a trained model stands in its study, and how that is written in labels and in names of files."""

import re
from dataclasses import dataclass

_LABEL = re.compile(r"(?P<arm>[^/]+)/(fold(?P<fold>\d+)/)?seed(?P<seed>-?\d+)(?=/|$)")


@dataclass(frozen=True)
class ModelKey:
    """One arm with one seed, in a study with folds also one fold."""

    arm: str
    seed: int
    fold: int | None = None

    @property
    def label(self) -> str:
        """``<arm>/seed<n>`` or ``<arm>/fold<k>/seed<n>``."""
        return "/".join([self.arm, *self._fold("fold"), f"seed{self.seed}"])

    @property
    def short(self) -> str:
        """``<arm>_s<n>`` or ``<arm>_f<k>_s<n>``, for names of files."""
        return "_".join([self.arm, *self._fold("f"), f"s{self.seed}"])

    @property
    def words(self) -> str:
        """``<arm>, seed <n>`` or ``<arm>, fold <k>, seed <n>``, for people."""
        return ", ".join([self.arm, *self._fold("fold "), f"seed {self.seed}"])

    def _fold(self, word: str) -> list[str]:
        return [] if self.fold is None else [f"{word}{self.fold}"]


def place_of(label: str) -> tuple[ModelKey, str]:
    """Return the place that ``label`` begins with, and what follows it without the slash.

    Raises:
        ValueError: the label begins with no place.
    """
    found = _LABEL.match(label)
    if found is None:
        raise ValueError(f"{label!r} begins with no place; a place is <arm>/seed<n> or <arm>/fold<k>/seed<n>")
    fold = found["fold"]
    place = ModelKey(found["arm"], int(found["seed"]), None if fold is None else int(fold))
    return place, label[found.end() :].removeprefix("/")
