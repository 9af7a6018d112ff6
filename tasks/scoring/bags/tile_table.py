"""What is known of slides and tiles beside their features: tables that a caller brings."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.scoring.errors import ScoringError

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class TileTable:
    """Rows of tiles by slide. A row names its tile by ``tile``, its place from 0, or by ``x`` and ``y``."""

    rows: Mapping[str, pd.DataFrame]

    @property
    def has_labels(self) -> bool:
        """Whether any tile has a label."""
        return any("label" in rows for rows in self.rows.values())

    def refuse_strangers(self, names: Collection[str]) -> None:
        """Refuse rows of slides that have no features.

        Raises:
            ScoringError: naming the first.
        """
        strangers = sorted(set(self.rows) - set(names))
        if strangers:
            raise ScoringError(f"the table of tiles has slide {strangers[0]!r}, which has no features")

    def darkness(self, name: str, places: Floats) -> Floats:
        """Return float32 [N] of the tiles at ``places`` [N, 2]; NaN where not known."""
        found = np.full(len(places), np.nan, np.float32)
        rows = self.rows.get(name)
        if rows is not None and "darkness" in rows:
            found[self._numbers(name, places)] = pd.to_numeric(rows["darkness"], errors="coerce")
        return found

    def classes(self, name: str, places: Floats, classes: Sequence[str]) -> NDArray[np.int64]:
        """Return int64 [N] of the tiles at ``places`` [N, 2]; -1 where not known.

        Raises:
            ScoringError: a label is no class.
        """
        found = np.full(len(places), -1, np.int64)
        rows = self.rows.get(name)
        if rows is None or "label" not in rows:
            return found
        strangers = sorted(set(rows["label"]) - {"", *classes})
        if strangers:
            raise ScoringError(
                f"a tile of {name!r} is labelled {strangers[0]!r}; the classes are {', '.join(classes)}"
            )
        found[self._numbers(name, places)] = pd.Index(classes).get_indexer(pd.Index(rows["label"]))
        return found

    def _numbers(self, name: str, places: Floats) -> NDArray[np.int64]:
        """Return the place of the tile of each row."""
        rows = self.rows[name]
        if "tile" in rows:
            places_said = pd.to_numeric(rows["tile"], errors="coerce").to_numpy(dtype=np.float64)
            whole = np.isfinite(places_said) & (abs(places_said) < len(places)) & (places_said % 1 == 0)
            numbers = np.where(whole, places_said, -1).astype(np.int64)
        else:
            known = {(x, y): number for number, (x, y) in enumerate(places.tolist())}
            stated = rows[["x", "y"]].apply(pd.to_numeric, errors="coerce")
            wanted = stated.astype(np.float32).itertuples(index=False)
            numbers = np.array([known.get((x, y), -1) for x, y in wanted], dtype=np.int64)
        wrong = np.flatnonzero((numbers < 0) | (numbers >= len(places)))
        if len(wrong):
            row = rows.iloc[int(wrong[0])].to_dict()
            raise ScoringError(f"the table of tiles names a tile of {name!r} that has no features: {row}")
        return numbers


def read_tile_table(path: Path) -> TileTable:
    """Read a CSV with ``slide_id``, ``tile`` or ``x`` and ``y``, and ``label`` or ``darkness`` or both.

    Raises:
        ScoringError: there is no such file, or a column is missing.
    """
    table = _read(path)
    if not {"label", "darkness"} & set(table) or not ("tile" in table or {"x", "y"} <= set(table)):
        there = ", ".join(map(str, table))
        raise ScoringError(
            f"{path.name} has the columns {there}; needed slide_id, tile or x and y, and label or darkness"
        )
    return TileTable({str(name): rows for name, rows in table.groupby("slide_id", sort=False)})


def read_slide_table(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return labels and patients by slide, from a CSV with slide_id, and label or patient_id or both.

    Raises:
        ScoringError: there is no such file, a column is missing, or a slide stands twice.
    """
    table = _read(path)
    twice = table["slide_id"][table["slide_id"].duplicated()]
    if len(twice):
        raise ScoringError(f"{path.name}: slide {twice.iloc[0]!r} stands twice")
    if not {"label", "patient_id"} & set(table):
        raise ScoringError(
            f"{path.name} has the columns {', '.join(map(str, table))}; needed label or patient_id"
        )
    return _column(table, "label"), _column(table, "patient_id")


def _column(table: pd.DataFrame, name: str) -> dict[str, str]:
    """Return a column by slide; empty where there is none."""
    return dict(zip(table["slide_id"], table[name], strict=True)) if name in table else {}


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise ScoringError(f"there is no table {path.name}")
    # As text: slide ids keep their zeros.
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, OSError) as error:  # errors of pandas and of the encoding are ValueErrors
        raise ScoringError(f"{path.name} is no table in UTF-8: {error}") from error
    if "slide_id" not in table:
        raise ScoringError(f"{path.name} has no column slide_id; it has {', '.join(map(str, table))}")
    return table
