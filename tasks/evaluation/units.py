"""The units that a report scores, slide after slide, out of memory until the report is written."""

import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from tasks.artifacts.faithfulness_report import SCORE_COLUMNS
from tasks.artifacts.spill import Spill, Spilled

UNIT_COLUMNS = list(SCORE_COLUMNS[:6])
"""unit, unit_id, slide_id, patient_id, section, label: what a report says of a unit."""

PIECE = 4096
"""The most units that are in memory at once."""


@dataclass
class Units:
    """N units in the order in which they are scored.

    Parts that score the same samples share one object. Nothing of a unit stays in memory.
    """

    spill: Spill
    count: int = 0
    _pieces: list[Spilled] = field(default_factory=list)

    def add(self, table: pd.DataFrame) -> None:
        """Append units: rows with at least ``UNIT_COLUMNS``."""
        for start in range(0, len(table), PIECE):
            piece = table[UNIT_COLUMNS].iloc[start : start + PIECE].reset_index(drop=True)
            # Pickled, as any other form of a table changes the types of some columns.
            self._pieces.append(self.spill.add(pickle.dumps(piece)))
            self.count += len(piece)

    def tables(self) -> Iterator[pd.DataFrame]:
        """Yield the units in order, at most ``PIECE`` at a time."""
        for place in self._pieces:
            table: pd.DataFrame = pickle.loads(self.spill.read(place))  # noqa: S301  # written above
            yield table
