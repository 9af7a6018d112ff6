"""The scores of one metric on the maps of one explainer, as tables in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tasks.artifacts.faithfulness_report import CURVES, INFO, SCORES, ReportInfo


@dataclass(frozen=True)
class MetricResult:
    """A FaithfulnessReport before it is written.

    ``measures`` are the costs of the whole plan. They depend on the other parts and enter no payload.
    """

    scores: pd.DataFrame
    curves: pd.DataFrame | None
    info: ReportInfo
    measures: Mapping[str, float]

    def write(self, out: Path) -> dict[str, float]:
        """Write the payload of a FaithfulnessReport into the folder ``out`` and return the measures."""
        self.scores.to_parquet(out / SCORES, index=False)
        if self.curves is not None:
            self.curves.to_parquet(out / CURVES, index=False)
        (out / INFO).write_text(self.info.model_dump_json(indent=1), encoding="utf-8")
        return dict(self.measures)
