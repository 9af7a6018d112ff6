"""Predictions: the logits of one checkpoint on the evaluated tiles.

Payload: ``predictions.parquet``, one row per tile: tile_id, slide_id, patient_id, section, split, label and
logit_<class index>; tiles in the order of slides and of their tile sets.
"""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from tasks.artifacts.artifact import Artifact

PREDICTIONS = "predictions.parquet"


@dataclass(frozen=True)
class Predictions(Artifact):
    """A read-only view of one checkpoint's predictions."""

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per tile."""
        return pd.read_parquet(self.folder / PREDICTIONS)
