"""The scores of one metric on the maps of one explainer, as a report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from tasks.artifacts.faithfulness_report import CURVES, INFO, SCORE_COLUMNS, SCORES, ReportInfo
from tasks.faithfulness.base import UnitScores

UNIT_COLUMNS = list(SCORE_COLUMNS[:6])
_CURVE_COLUMNS = ["unit_id", "slide_id", "curve", "fraction", "value"]


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


def score_table(units: pd.DataFrame, names: Sequence[str], scores: Sequence[UnitScores]) -> pd.DataFrame:
    """Return the long form: for each of N units, in order, one row for each named score.

    Args:
        units: N rows of the columns ``UNIT_COLUMNS``.
        names: the scores, in the order of their rows.
        scores: blocks of together N units, on the host; a missing chance level or error is NaN.
    """
    values = np.stack([_column(scores, "values", name) for name in names], axis=1)
    chance = np.stack([_column(scores, "chance", name) for name in names], axis=1)
    errors = np.stack([_column(scores, "errors", name) for name in names], axis=1)
    table = units.loc[units.index.repeat(len(names))].reset_index(drop=True)
    table["score"] = list(names) * len(units)
    columns = {"value": values.ravel(), "chance": chance.ravel(), "error": errors.ravel()}
    return table.assign(**columns)[list(SCORE_COLUMNS)]


def curve_table(units: pd.DataFrame, scores: Sequence[UnitScores]) -> pd.DataFrame | None:
    """Return the curves of N units in long form, or None where no curve was traced."""
    traced = next((item for item in scores if item.curves), None)
    if traced is None or traced.fractions is None:
        return None
    steps = traced.fractions.shape[-1]
    fractions = torch.cat([_axis(item) for item in scores]).numpy().ravel()
    pieces = []
    for name in traced.curves:
        heights = torch.cat([item.curves[name] for item in scores]).numpy()
        piece = units.loc[units.index.repeat(steps), ["unit_id", "slide_id"]]
        pieces.append(piece.assign(curve=name, fraction=fractions, value=heights.ravel()))
    return pd.concat(pieces, ignore_index=True)[_CURVE_COLUMNS]


def _axis(scores: UnitScores) -> torch.Tensor:
    """Return the fractions of a block's units, [n, S]."""
    curve = next(iter(scores.curves.values()))
    assert scores.fractions is not None
    return scores.fractions.expand(curve.shape)


def exclusions(scores: Sequence[UnitScores]) -> dict[str, int]:
    """Return how many units were excluded for each reason; reasons without a case are named too."""
    counts: dict[str, int] = {}
    for item in scores:
        for reason, flags in item.excluded.items():
            counts[reason] = counts.get(reason, 0) + int(flags.sum())
    return counts


def _column(
    scores: Sequence[UnitScores], kind: str, name: str
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    absent = torch.empty(0, dtype=torch.float64)
    columns = [absent]
    for item in scores:
        given = getattr(item, kind).get(name)
        columns.append(torch.full_like(item.values[name], torch.nan) if given is None else given)
    values: np.ndarray[tuple[int], np.dtype[np.float64]] = torch.cat(columns).numpy()
    return values
