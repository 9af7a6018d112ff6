"""Keys: which artifact of a study is meant. A key prints as a label; nothing reads a label back."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ModelKey:
    """One trained model: an arm with one training seed and, in a study with folds, one fold."""

    arm: str
    seed: int
    fold: int | None = None

    @property
    def label(self) -> str:
        """``<arm>/seed<n>`` or ``<arm>/fold<k>/seed<n>``."""
        return "/".join([self.arm, *self._fold("fold"), f"seed{self.seed}"])

    @property
    def short(self) -> str:
        """``<arm>_s<n>`` or ``<arm>_f<k>_s<n>``, for file names."""
        return "_".join([self.arm, *self._fold("f"), f"s{self.seed}"])

    @property
    def words(self) -> str:
        """``<arm>, seed <n>`` or ``<arm>, fold <k>, seed <n>``, for people."""
        return ", ".join([self.arm, *self._fold("fold "), f"seed {self.seed}"])

    def __str__(self) -> str:
        return self.label

    def _fold(self, word: str) -> list[str]:
        return [] if self.fold is None else [f"{word}{self.fold}"]


@dataclass(frozen=True)
class ArtifactKey:
    """One artifact of a study: its stage and the coordinates that it has.

    ``metric`` is the id of a faithfulness metric or of a model metric; ``explainer`` is the id of an
    explainer, a control or an exemplar method.
    """

    stage: str
    model: ModelKey | None = None
    explainer: str | None = None
    slide: str | None = None
    metric: str | None = None

    @property
    def label(self) -> str:
        """The key as text, for people and logs: ``explain/standard/seed0/gradient/slide_3``."""
        model = None if self.model is None else self.model.label
        return "/".join(
            part for part in (self.stage, model, self.explainer, self.slide, self.metric) if part is not None
        )

    @property
    def coordinates(self) -> Mapping[str, str | int]:
        """The coordinates that this key has, by the name of their selector."""
        model = self.model
        values: dict[str, str | int | None] = {
            "arm": None if model is None else model.arm,
            "fold": None if model is None else model.fold,
            "seed": None if model is None else model.seed,
            "explainer": self.explainer,
            "slide": self.slide,
            "metric": self.metric,
        }
        return {name: value for name, value in values.items() if value is not None}

    def __str__(self) -> str:
        return self.label
