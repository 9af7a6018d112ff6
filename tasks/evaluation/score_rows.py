"""The scores of one part of a plan: rows of numbers in one array of fixed size, spilled when it is full."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.artifacts.spill import Spill, Spilled
from tasks.evaluation.units import PIECE
from tasks.faithfulness.base import UnitScores

Floats = NDArray[np.float64]
BUFFER = 1 << 20
"""Bytes of the array at most; one row at least."""


@dataclass(frozen=True)
class RowLayout:
    """Which columns a row of numbers has. Blocks of one metric nearly always agree.

    ``steps`` is the number S of points of a curve; 0 where none is traced.
    """

    values: tuple[str, ...]
    chance: tuple[str, ...]
    errors: tuple[str, ...]
    excluded: tuple[str, ...]
    curves: tuple[str, ...]
    steps: int

    @classmethod
    def of(cls, scores: UnitScores) -> "RowLayout":
        """Return the layout of a block."""
        curves = tuple(scores.curves) if scores.fractions is not None else ()
        steps = scores.fractions.shape[-1] if curves and scores.fractions is not None else 0
        named = (scores.values, scores.chance, scores.errors, scores.excluded)
        values, chance, errors, excluded = (tuple(part) for part in named)
        return cls(values, chance, errors, excluded, curves, steps)

    @property
    def width(self) -> int:
        """Numbers in a row: one per value, chance level, error and flag, and S per curve and their axis."""
        named = (self.values, self.chance, self.errors, self.excluded)
        return sum(map(len, named)) + self.steps * (len(self.curves) + bool(self.curves))

    def pieces(self, scores: UnitScores) -> Iterator[Tensor]:
        """Yield the columns of a block of n units in order, each [n, 1] or [n, S]."""
        for part, names in (
            (scores.values, self.values),
            (scores.chance, self.chance),
            (scores.errors, self.errors),
            (scores.excluded, self.excluded),
        ):
            yield from (part[name][:, None] for name in names)
        if self.curves:
            assert scores.fractions is not None
            yield scores.fractions.expand(scores.curves[self.curves[0]].shape)
            yield from (scores.curves[name] for name in self.curves)


@dataclass(frozen=True)
class ScoreTable:
    """Float64 [n, width]: the rows of n units, with what their columns are."""

    layout: RowLayout
    rows: Floats

    def column(self, kind: str, name: str) -> Floats:
        """Return [n] of one of ``values``, ``chance`` and ``errors``; NaN where the metric gives none."""
        start = 0
        for known in ("values", "chance", "errors"):
            names: tuple[str, ...] = getattr(self.layout, known)
            if known == kind:
                return self.rows[:, start + names.index(name)] if name in names else self._nothing(kind, name)
            start += len(names)
        raise KeyError(kind)

    def curve(self, name: str | None) -> Floats:
        """Return [n, S]: one curve, or the fractions that all are traced over (None)."""
        steps = self.layout.steps
        place = 0 if name is None else 1 + self.layout.curves.index(name)
        start = self.layout.width - steps * (1 + len(self.layout.curves) - place)
        return self.rows[:, start : start + steps]

    def cut(self, count: int) -> tuple["ScoreTable", "ScoreTable"]:
        """Return the first ``count`` rows and the others."""
        return ScoreTable(self.layout, self.rows[:count]), ScoreTable(self.layout, self.rows[count:])

    def _nothing(self, kind: str, name: str) -> Floats:
        if kind == "values":
            raise KeyError(f"no score {name!r} among {', '.join(self.layout.values)}")
        return np.full(len(self.rows), np.nan)


class ScoreRows:
    """The scores of N units, in order; memory does not grow with N.

    The array lies on the device of the scores. It is read when it is full, so a device is not waited for
    block by block, and no small tensor outlives its block: among the large temporaries of a block it would
    keep the heap from shrinking.
    """

    def __init__(self, spill: Spill, buffer: int = BUFFER) -> None:
        self._excluded = Counter[str]()
        self._spill, self._buffer = spill, buffer
        self._places: list[tuple[RowLayout, Spilled]] = []
        self._layout: RowLayout | None = None
        self._array = torch.empty(0)
        self._filled = 0

    def add(self, scores: UnitScores) -> None:
        """Append the scores of a block."""
        layout = RowLayout.of(scores)
        if layout != self._layout:
            self._start(layout, next(iter(scores.values.values())).device)
        pieces = [piece.to(self._array.device, torch.float64) for piece in layout.pieces(scores)]
        done, count = 0, len(pieces[0])
        while done < count:
            taken = min(count - done, len(self._array) - self._filled)
            target = self._array[self._filled : self._filled + taken]
            torch.cat([piece[done : done + taken] for piece in pieces], dim=1, out=target)
            self._filled, done = self._filled + taken, done + taken
            if self._filled == len(self._array):
                self._flush()

    def counted(self) -> dict[str, int]:
        """Return how many units were excluded for each reason; reasons without a case are named too."""
        self._flush()
        return dict(self._excluded)

    def tables(self) -> Iterator[ScoreTable]:
        """Yield the rows in order, as many at a time as the array holds."""
        self._flush()
        for layout, place in self._places:
            rows = np.frombuffer(self._spill.read(place), dtype=np.float64)
            yield ScoreTable(layout, rows.reshape(-1, layout.width))

    def _start(self, layout: RowLayout, device: torch.device) -> None:
        self._flush()
        rows = min(PIECE, max(1, self._buffer // (8 * layout.width)))
        self._array = torch.empty((rows, layout.width), dtype=torch.float64, device=device)
        self._layout = layout
        # A reason without a case is named too.
        self._excluded.update(dict.fromkeys(layout.excluded, 0))

    def _flush(self) -> None:
        if self._layout is None or not self._filled:
            return
        rows = self._array[: self._filled].cpu().numpy()
        start = sum(map(len, (self._layout.values, self._layout.chance, self._layout.errors)))
        for place, reason in enumerate(self._layout.excluded, start):
            self._excluded[reason] += int(rows[:, place].sum())
        self._places.append((self._layout, self._spill.add(rows.tobytes())))
        self._filled = 0
