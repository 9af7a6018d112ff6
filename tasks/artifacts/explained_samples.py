"""The samples that an explainer explained, whatever it gives values to: their index and notes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

INDEX = "index.parquet"
NOTES = "notes.json"


@dataclass(frozen=True)
class ExplainedSamples:
    """The samples that an explainer explained, whatever it gives values to."""

    folder: Path

    @cached_property
    def index(self) -> pd.DataFrame:
        """One row per explained sample, in the order of the values."""
        return pd.read_parquet(self.folder / INDEX)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the values: which layer they are of, whether they are incomplete."""
        path = self.folder / NOTES
        return tuple(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else ()

    @property
    def logits(self) -> NDArray[np.float64]:
        """[N, K] logits of the clean pass, classes in the checkpoint's order; K is 0 without a model."""
        names = sorted((c for c in self.index.columns if c.startswith("logit_")), key=_class_index)
        return self.index[names].to_numpy(dtype=np.float64)


def write_notes(folder: Path, notes: Sequence[str]) -> None:
    """Write the sentences that belong to the values of ``folder``, if there are any."""
    if notes:
        (folder / NOTES).write_text(json.dumps(list(notes), indent=1) + "\n", encoding="utf-8")


def _class_index(column: str) -> int:
    return int(column.rpartition("_")[2])
