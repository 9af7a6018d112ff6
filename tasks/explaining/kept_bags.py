"""Explained bags, kept group by group until all are there, and then put together."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.feature_set import FeatureSet
from tasks.artifacts.tile_scores import ScoredBag, write_tile_scores

Row = dict[str, object]
"""The row of a slide in the index."""


@dataclass(frozen=True)
class ExplainedBag:
    """What is kept of one bag: its row of the index and its values, float32 [N]."""

    row: Row
    values: NDArray[np.float32]


@dataclass(frozen=True)
class KeptGroups:
    """Groups of bags below ``work``: positions among the slides of ``sets``, one file per finished group."""

    work: Path
    sets: Mapping[str, FeatureSet]
    groups: Sequence[Sequence[int]]

    def missing(self) -> list[int]:
        """Return the numbers of the groups that are not written."""
        return [number for number in range(len(self.groups)) if not self._path(number).is_file()]

    def keep(self, number: int, explained: Sequence[ExplainedBag]) -> None:
        """Write a group atomically: what is there is complete."""
        draft = self._path(number).with_suffix(".draft")
        with draft.open("wb") as file:
            rows = np.array(json.dumps([each.row for each in explained]))
            np.savez(file, rows=rows, values=np.concatenate([each.values for each in explained]))
        draft.replace(self._path(number))

    def write(self, out: Path) -> list[Row]:
        """Write all scores, slide by slide in the order of the sets, and return the rows of the index."""
        rows: list[Row] = []
        write_tile_scores(out, self._bags(rows))
        return rows

    def forget(self) -> None:
        """Remove everything."""
        for number in range(len(self.groups)):
            self._path(number).unlink(missing_ok=True)

    def _bags(self, rows: list[Row]) -> Iterator[ScoredBag]:
        home = {position: number for number, group in enumerate(self.groups) for position in group}
        # A handful of groups: slides of about one size often follow one another.
        read = lru_cache(4)(self._read)
        for position, slide in enumerate(self.sets):
            group = self.groups[home[position]]
            table, values = read(home[position])
            ends = np.cumsum([self._counts[member] for member in group])
            end = int(ends[group.index(position)])
            rows.append(table[group.index(position)])
            yield ScoredBag(rows[-1], self.sets[slide].tile_ids, values[end - self._counts[position] : end])

    def _read(self, number: int) -> tuple[list[Row], NDArray[np.float32]]:
        with np.load(self._path(number)) as kept:
            return json.loads(str(kept["rows"])), kept["values"]

    @cached_property
    def _counts(self) -> list[int]:
        return [each.facts.count for each in self.sets.values()]

    def _path(self, number: int) -> Path:
        return self.work / f"group_{number:06d}.npz"
