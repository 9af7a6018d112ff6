"""Predictions: the answers of one checkpoint about the evaluated tiles and slides.

Payload: ``predictions.parquet``, one row per tile: tile_id, slide_id, patient_id, section, split, label and
logit_<class index>; tiles in the order of slides and of their tile sets. ``slides.parquet``, one row per
slide in the same order: slide_id, patient_id, split, label (the one label of its labelled tiles, ``mixed``
if they have several, empty if none), tiles (their number) and score_<class index>. Of a slide model the
first table is empty; the second has the label of the slide in the manifest, logit_<class index>, and as
scores the softmax of the logits.
"""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd
import pyarrow.parquet as pq

from tasks.artifacts.artifact import Artifact, OutdatedArtifactError

PREDICTIONS = "predictions.parquet"
SLIDES = "slides.parquet"

COLUMNS = ("tile_id", "slide_id", "patient_id", "section", "split", "label")
"""What is said of a tile beside its logits."""

SLIDE_COLUMNS = ("slide_id", "patient_id", "split", "label", "tiles")
"""What is said of a slide beside its scores."""


@dataclass(frozen=True)
class Predictions(Artifact):
    """A read-only view of one checkpoint's predictions."""

    @property
    def table(self) -> pd.DataFrame:
        """One row per tile; read anew each time, and not kept."""
        return pd.read_parquet(self.folder / PREDICTIONS)

    @property
    def tile_ids(self) -> "pd.Series[str]":
        """The tile of each row."""
        return pd.read_parquet(self.folder / PREDICTIONS, columns=["tile_id"])["tile_id"]

    def of_slide(self, slide: str) -> pd.DataFrame:
        """Return the rows of one slide's tiles, without keeping those of the others."""
        table: pd.DataFrame = pq.read_table(
            self.folder / PREDICTIONS, filters=[("slide_id", "==", slide)]
        ).to_pandas()
        return table

    @cached_property
    def slides(self) -> pd.DataFrame:
        """One row per slide."""
        return pd.read_parquet(self.folder / SLIDES)

    def slide_scores(self, target: int) -> pd.DataFrame:
        """Return patient_id, slide_id and score of each slide for class ``target``, sorted by slide id."""
        table = self.slides.rename(columns={f"score_{target}": "score"})
        return table[["patient_id", "slide_id", "score"]].sort_values("slide_id").reset_index(drop=True)

    def check(self) -> None:
        """Refuse predictions that hold no scores of slides.

        Raises:
            OutdatedArtifactError: they were written before slides had scores.
        """
        if not (self.folder / SLIDES).is_file():
            raise OutdatedArtifactError(f"the predictions lack {SLIDES}")
