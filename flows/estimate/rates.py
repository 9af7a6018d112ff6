"""Seconds and bytes per tile, as the records of earlier artifacts have them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from tasks.artifacts.key import ArtifactKey

Method = tuple[str, str, str]
"""A stage with explainer and metric, which decide most of its cost; "" where it has none."""


class MeasuredCost(NamedTuple):
    """What one stored artifact cost.

    Attributes:
        key: which artifact.
        seconds: its time.
        work: what its time grows with: the pixels of its tiles, times the epochs where it was trained.
        tiles: how many tiles it is about.
        size: its bytes; None where it was made from tiles of another size, which says nothing here.
    """

    key: ArtifactKey
    seconds: float
    work: float
    tiles: int
    size: int | None = None


@dataclass
class Rate:
    """What measured artifacts cost together."""

    artifacts: int = 0
    work: float = 0.0
    seconds: float = 0.0
    sized: int = 0
    tiles: int = 0
    size: int = 0

    def add(self, measured: MeasuredCost) -> None:
        """Count one artifact."""
        self.artifacts += 1
        self.work += measured.work
        self.seconds += measured.seconds
        if measured.size is not None:
            self.sized += 1
            self.tiles += measured.tiles
            self.size += measured.size

    def seconds_of(self, work: float) -> float:
        """Return the time of an artifact with ``work``; where none is counted, that of any artifact."""
        return self.seconds / self.work * work if self.work and work else self.seconds / self.artifacts

    def size_of(self, tiles: int) -> float | None:
        """Return the bytes of an artifact about ``tiles``; None where none was measured."""
        if not self.sized:
            return None
        return self.size / self.tiles * tiles if self.tiles and tiles else self.size / self.sized


class Rates:
    """Rates by stage and method; where a method was not measured, those of its stage."""

    def __init__(self, measured: Iterable[MeasuredCost]) -> None:
        self._by_method: dict[Method, Rate] = defaultdict(Rate)
        self._by_stage: dict[str, Rate] = defaultdict(Rate)
        for each in measured:
            self._by_method[_method(each.key)].add(each)
            self._by_stage[each.key.stage].add(each)

    def of(self, key: ArtifactKey) -> Rate | None:
        """Return the rate that is nearest to an artifact; None where nothing of its stage was measured."""
        return self._by_method.get(_method(key)) or self._by_stage.get(key.stage)

    @property
    def stages(self) -> frozenset[str]:
        """The stages of which anything was measured."""
        return frozenset(self._by_stage)


def _method(key: ArtifactKey) -> Method:
    return key.stage, key.explainer or "", key.metric or ""
