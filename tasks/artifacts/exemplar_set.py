"""ExemplarSet: what one method shows of one checkpoint that is no map.

Payload: ``exemplars.json`` (:class:`ExemplarInfo`), pictures (``*.png``) and tables (``*.parquet``). Neither
names a patient.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict

from tasks.artifacts.artifact import Artifact

INFO = "exemplars.json"


class ExemplarInfo(BaseModel):
    """The method with its settings, what its files are, and what was left out.

    Attributes:
        method: the recipe of the method.
        meanings: {file name: one sentence}, every picture and table of the payload.
        excluded: {reason: how many}, what could not be shown and why.
    """

    model_config = ConfigDict(frozen=True)

    method: Mapping[str, Any]
    meanings: Mapping[str, str]
    excluded: Mapping[str, int]


@dataclass(frozen=True)
class ExemplarSet(Artifact):
    """A read-only view of what one method showed of one checkpoint."""

    @cached_property
    def info(self) -> ExemplarInfo:
        """Settings, meanings and exclusions."""
        return ExemplarInfo.model_validate_json((self.folder / INFO).read_text(encoding="utf-8"))

    @property
    def pictures(self) -> tuple[Path, ...]:
        """The PNG files, in the order of their names."""
        return tuple(sorted(self.folder.glob("*.png")))

    @property
    def tables(self) -> tuple[Path, ...]:
        """The Parquet files, in the order of their names."""
        return tuple(sorted(self.folder.glob("*.parquet")))

    def table(self, name: str) -> pd.DataFrame:
        """Return the table in the file ``name``."""
        return pd.read_parquet(self.folder / name)
