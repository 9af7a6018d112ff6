"""FaithfulnessReport: the scores of one metric on the maps of one explainer for one checkpoint.

Payload: ``scores.parquet`` in long form (unit, unit_id, slide_id, patient_id, section, label, score, value,
chance, error), ``report.json`` (:class:`ReportInfo`) and, for metrics that trace curves, ``curves.parquet``
(unit_id, slide_id, curve, fraction, value). ``unit`` is ``tile``, ``section`` or ``slide``; a unit that
cannot be scored has a NaN value and is counted in ``excluded`` with its reason. ``error`` is the standard
error that the metric's own random draws leave in a value, NaN where it draws none. What is measured on a
model without an explainer has the same payload, and may hold further tables and pictures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import pandas as pd
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from tasks.artifacts.artifact import Artifact, OutdatedArtifactError

SCORES = "scores.parquet"
CURVES = "curves.parquet"
INFO = "report.json"

MODEL = "model"
"""Stands where a report or endpoint names its explainer, if it is about the network and no map; no explainer
of a study may bear this id."""

SCORE_COLUMNS = (
    "unit", "unit_id", "slide_id", "patient_id", "section", "label", "score", "value", "chance", "error",
)  # fmt: skip

UNIT_ORIGIN = ["unit_id", "patient_id", "slide_id", "section", "label"]
"""Where a unit comes from."""

Rivals = Literal["all", "blind"]
"""Which controls a map must beat for its score to be evidence: all, or those alone that see no network."""


class ScoreInfo(BaseModel):
    """What one named score means: ``direction`` says whether higher or lower is more faithful."""

    model_config = ConfigDict(frozen=True)

    name: str
    direction: Literal["higher", "lower", "none"]
    lower_bound: float | None = None
    upper_bound: float | None = None
    meaning: str = ""


class ReportInfo(BaseModel):
    """The metric with its settings, its scores, its rivals, what was left out and the passes spent.

    ``sign`` says what was done with the sign of these maps, which may depend on their kind.
    """

    model_config = ConfigDict(frozen=True)

    metric: Mapping[str, Any]
    scores: tuple[ScoreInfo, ...]
    sign: str = ""
    rivals: Rivals = "all"
    excluded: Mapping[str, int]
    passes: Mapping[str, int]
    minimum_passes: Mapping[str, int]


class OutdatedReportError(OutdatedArtifactError):
    """A stored report was adopted although its tables have changed."""


@dataclass(frozen=True)
class FaithfulnessReport(Artifact):
    """A read-only view of one metric's scores."""

    @property
    def scores(self) -> pd.DataFrame:
        """Long-form scores, columns ``SCORE_COLUMNS``; read anew each time, and not kept.

        Raises:
            OutdatedReportError: a column is missing.
        """
        self.check()
        return pd.read_parquet(self.folder / SCORES)

    @property
    def units(self) -> pd.DataFrame:
        """Each scored unit once, in order: unit_id, patient_id, slide_id, section and label."""
        return pd.read_parquet(self.folder / SCORES, columns=UNIT_ORIGIN).drop_duplicates("unit_id")

    @property
    def unit_of_score(self) -> dict[str, str]:
        """What the units of each score are, such as ``tile``."""
        table = pd.read_parquet(self.folder / SCORES, columns=["score", "unit"]).drop_duplicates("score")
        return dict(zip(table["score"].astype(str), table["unit"].astype(str), strict=True))

    def check(self) -> None:
        """Refuse a report that lacks a column of today.

        Raises:
            OutdatedReportError: a column is missing.
        """
        known = pq.read_schema(self.folder / SCORES).names
        missing = [name for name in SCORE_COLUMNS if name not in known]
        if missing:
            raise OutdatedReportError(
                f"the report in {self.folder} has no column {', '.join(missing)}: it was made before there "
                "was one, and adopted since; make it again with --only evaluate or --only measure"
            )

    @property
    def curves(self) -> pd.DataFrame | None:
        """Curves where the metric traces any; read anew each time, and not kept."""
        path = self.folder / CURVES
        return pd.read_parquet(path) if path.is_file() else None

    @cached_property
    def curve_names(self) -> tuple[str, ...]:
        """The curves that the metric traces, in order; empty where it traces none."""
        path = self.folder / CURVES
        if not path.is_file():
            return ()
        with pq.ParquetFile(path) as file:
            pieces = file.iter_batches(columns=["curve"])
            return tuple(
                dict.fromkeys(name for piece in pieces for name in piece["curve"].unique().to_pylist())
            )

    def curve(self, name: str) -> pd.DataFrame:
        """Return one curve of all units: unit_id, fraction and value. The others are not kept in memory."""
        columns = ["unit_id", "fraction", "value"]
        path = self.folder / CURVES
        table: pd.DataFrame = pq.read_table(
            path, columns=columns, filters=[("curve", "==", name)]
        ).to_pandas()
        return table

    @cached_property
    def info(self) -> ReportInfo:
        """Settings, meanings, exclusions and passes."""
        return ReportInfo.model_validate_json((self.folder / INFO).read_text(encoding="utf-8"))
