"""Scores of tiles: one value per tile of each bag, written and read slide by slide.

Payload: ``tile_scores.parquet``, one row per tile with slide_id, tile_id and value (float32, signed and
unscaled, NaN where a tile was not explained), slide after slide in the order of the bags; and
``index.parquet``, one row per slide in the same order, which has ``first`` and ``tiles`` beside the columns
of every index: the first row of its tiles, and how many there are.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.artifacts.explained_samples import INDEX, ExplainedSamples
from tasks.artifacts.table_file import write_table

TILE_SCORES = "tile_scores.parquet"
ROW_GROUP = 1 << 14
"""Rows that are read at once: few, so that the scores of one slide are read without those of others."""


@dataclass(frozen=True)
class ScoredBag:
    """The scores of one slide's tiles.

    Attributes:
        index: the row of the slide in the index: slide_id, target, logit_<class index>, completeness_error.
        tile_ids: N ids, in the order of the bag.
        values: float [N]; NaN where a tile was not explained.
    """

    index: dict[str, object]
    tile_ids: list[str]
    values: NDArray[np.floating]


@dataclass(frozen=True)
class TileScores(ExplainedSamples):
    """One value per tile of each bag; the index has one row per slide."""

    @property
    def slides(self) -> list[str]:
        """The slides, in the order of the index."""
        return [str(name) for name in self.index["slide_id"]]

    def __contains__(self, slide: object) -> bool:
        """Return whether a slide was explained."""
        return slide in self._places

    def table(self, slide: str) -> pd.DataFrame:
        """Return one row per tile of ``slide``, in the order of the bag: tile_id, value.

        Raises:
            KeyError: the slide was not explained.
        """
        first, tiles = self._place(slide)
        table: pd.DataFrame = self._rows(first, tiles).to_pandas()
        return table

    def values(self, slide: str) -> NDArray[np.float32]:
        """Return float32 [N] of one slide, signed and unscaled; NaN where a tile was not explained.

        Raises:
            KeyError: the slide was not explained.
        """
        first, tiles = self._place(slide)
        group = first // ROW_GROUP
        if tiles == 0 or (first + tiles - 1) // ROW_GROUP != group:
            return np.asarray(self._rows(first, tiles, "value")["value"].to_numpy(), dtype=np.float32)
        start = group * ROW_GROUP
        if group not in self._last:
            # Many small slides share a group: it is read once for all of them, and only the last one stays.
            self._last.clear()
            count = min(ROW_GROUP, int(self.index["tiles"].sum()) - start)
            self._last[group] = self._rows(start, count, "value")["value"].to_numpy().astype(np.float32)
        return self._last[group][first - start : first - start + tiles].copy()

    def _place(self, slide: str) -> tuple[int, int]:
        row = self._places.get(slide)
        if row is None:
            raise KeyError(f"slide {slide!r} has no scores of tiles")
        return row

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        columns = (self.index[name] for name in ("slide_id", "first", "tiles"))
        return {str(slide): (int(first), int(tiles)) for slide, first, tiles in zip(*columns, strict=True)}

    @cached_property
    def _last(self) -> dict[int, NDArray[np.float32]]:
        """The values of the group of rows that was read last."""
        return {}

    def _rows(self, first: int, count: int, *columns: str) -> pa.Table:
        # Opened anew: a file that stays open is a descriptor per model, explainer and fold.
        with pq.ParquetFile(self.folder / TILE_SCORES) as file:
            groups = range(first // ROW_GROUP, -(-(first + count) // ROW_GROUP))
            found = file.read_row_groups(list(groups), columns=list(columns) or ["tile_id", "value"])
        return found.slice(first - groups.start * ROW_GROUP, count)


def write_tile_scores(folder: Path, bags: Iterable[ScoredBag]) -> int:
    """Write the scores of some bags, of which there is at least one, and return how many tiles there are.

    One bag is in memory at a time.
    """
    index: list[dict[str, object]] = []
    write_table(_tables(bags, index), folder / TILE_SCORES, ROW_GROUP)
    pd.DataFrame(index).to_parquet(folder / INDEX, index=False)
    return sum(int(str(row["tiles"])) for row in index)


def _tables(bags: Iterable[ScoredBag], index: list[dict[str, object]]) -> Iterator[pd.DataFrame]:
    first = 0
    for bag in bags:
        index.append({**bag.index, "first": first, "tiles": len(bag.values)})
        first += len(bag.values)
        yield pd.DataFrame(
            {
                "slide_id": pd.Series([bag.index["slide_id"]] * len(bag.values), dtype=str),
                "tile_id": pd.Series(bag.tile_ids, dtype=str),
                "value": np.asarray(bag.values, dtype=np.float32),
            }
        )
