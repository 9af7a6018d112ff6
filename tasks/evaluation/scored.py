"""The scores of one part of a plan, read back piece by piece: as tables, or into a report."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.artifacts.faithfulness_report import CURVES, INFO, SCORE_COLUMNS, SCORES, ReportInfo
from tasks.artifacts.table_file import write_table
from tasks.evaluation.result import MetricResult
from tasks.evaluation.score_rows import ScoreRows, ScoreTable
from tasks.evaluation.units import UNIT_COLUMNS, Units

CURVE_COLUMNS = ["unit_id", "slide_id", "curve", "fraction", "value"]

Piece = tuple[pd.DataFrame, ScoreTable]
"""Some units and their scores, row by row."""


@dataclass(frozen=True)
class Scored:
    """A FaithfulnessReport before it is written. Its rows lie in the spill of the plan, not in memory.

    ``measures`` are the costs of the whole plan. They depend on the other parts and enter no payload.
    """

    units: Units
    rows: ScoreRows
    info: ReportInfo
    measures: Mapping[str, float]

    def write(self, out: Path) -> dict[str, float]:
        """Write the payload of a FaithfulnessReport into the folder ``out`` and return the measures."""
        write_table(self._score_pieces(), out / SCORES)
        if self._curve_names():
            write_table(self._curve_pieces(), out / CURVES)
        (out / INFO).write_text(self.info.model_dump_json(indent=1), encoding="utf-8")
        return dict(self.measures)

    def result(self) -> MetricResult:
        """Return the same with whole tables, in memory."""
        scores = pd.concat(self._score_pieces(), ignore_index=True)
        traced = bool(self._curve_names())
        curves = pd.concat(self._curve_pieces(), ignore_index=True) if traced else None
        return MetricResult(scores, curves, self.info, self.measures)

    def _score_pieces(self) -> Iterator[pd.DataFrame]:
        """Yield the long form: for each unit, in order, one row for each named score."""
        names = [score.name for score in self.info.scores]
        if not self.units.count:
            yield pd.DataFrame(columns=list(SCORE_COLUMNS)).astype(_EMPTY)
        for units, found in self._pieces():
            yield score_table(units, names, found)

    def _curve_pieces(self) -> Iterator[pd.DataFrame]:
        """Yield one curve after the other in long form, each unit by unit."""
        for name in self._curve_names():
            for units, found in self._pieces():
                yield curve_table(units, name, found)

    def _curve_names(self) -> tuple[str, ...]:
        return next((found.layout.curves for _, found in self._pieces()), ())

    def _pieces(self) -> Iterator[Piece]:
        """Yield units and scores in pieces of equal length."""
        tables, scores = self.units.tables(), self.rows.tables()
        units, found = next(tables, None), next(scores, None)
        while units is not None and found is not None:
            count = min(len(units), len(found.rows))
            here, found_rest = found.cut(count)
            yield units.iloc[:count].reset_index(drop=True), here
            units = units.iloc[count:] if count < len(units) else next(tables, None)
            found = found_rest if len(found_rest.rows) else next(scores, None)
        assert (units is None) == (found is None), "units and scores differ in number"


_EMPTY = dict.fromkeys(("value", "chance", "error"), "float64")


def score_table(units: pd.DataFrame, names: list[str], found: ScoreTable) -> pd.DataFrame:
    """Return for each of N units, in order, one row for each of the named scores.

    Args:
        units: N rows of the columns ``UNIT_COLUMNS``.
        names: the scores, in the order of their rows.
        found: their scores; a missing chance level or error is NaN.
    """
    table = units.loc[units.index.repeat(len(names)), UNIT_COLUMNS].reset_index(drop=True)
    table["score"] = names * len(units)
    columns = {
        column: np.stack([found.column(kind, name) for name in names], axis=1).ravel()
        for column, kind in (("value", "values"), ("chance", "chance"), ("error", "errors"))
    }
    return table.assign(**columns)[list(SCORE_COLUMNS)]


def curve_table(units: pd.DataFrame, name: str, found: ScoreTable) -> pd.DataFrame:
    """Return the points of one curve of N units, [N * S] rows of the columns ``CURVE_COLUMNS``."""
    rows = units.index.repeat(found.layout.steps)
    table = units.loc[rows, ["unit_id", "slide_id"]].reset_index(drop=True)
    fractions, heights = found.curve(None).ravel(), found.curve(name).ravel()
    return table.assign(curve=name, fraction=fractions, value=heights)[CURVE_COLUMNS]
