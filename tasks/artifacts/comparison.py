"""Comparison: the arms of a study side by side.

Payload: ``comparison.parquet``, ``comparison.md``, ``summary.json`` and figures (``*.png``).
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from tasks.artifacts.artifact import Artifact

TABLE = "comparison.parquet"
PAGE = "comparison.md"


@dataclass(frozen=True)
class Comparison(Artifact):
    """A read-only view of one comparison."""

    @property
    def table_path(self) -> Path:
        """The Parquet file of :attr:`table`."""
        return self.folder / TABLE

    @property
    def page(self) -> Path:
        """The Markdown page."""
        return self.folder / PAGE

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per figure, difference and claim."""
        return pd.read_parquet(self.table_path)
