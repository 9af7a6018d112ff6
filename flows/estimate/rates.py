"""Seconds and bytes per tile, as the records of earlier artifacts of this home have them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.store import Store

Measured = tuple[ArtifactKey, ArtifactRecord, int]
"""An artifact that is stored, its record, and the number of tiles that it is about."""

Method = tuple[str, str, str]
"""A stage with explainer and metric, which decide most of its cost; "" where it has none."""


@dataclass
class Rate:
    """What artifacts cost together.

    Attributes:
        artifacts: how many were measured.
        tiles: how many tiles they are about.
        seconds: their time.
        size: their bytes.
    """

    artifacts: int = 0
    tiles: int = 0
    seconds: float = 0.0
    size: int = 0

    def add(self, tiles: int, record: ArtifactRecord) -> None:
        """Count one artifact."""
        self.artifacts += 1
        self.tiles += tiles
        self.seconds += record.measures.get("seconds", 0.0)
        self.size += sum(file.size for file in record.files)

    def seconds_of(self, tiles: int) -> float:
        """Return the time that an artifact about ``tiles`` takes; where none are counted, of any artifact."""
        return self.seconds / self.tiles * tiles if self.tiles and tiles else self.seconds / self.artifacts

    def size_of(self, tiles: int) -> float:
        """Return the bytes of an artifact about ``tiles``."""
        return self.size / self.tiles * tiles if self.tiles and tiles else self.size / self.artifacts


class Rates:
    """Rates by stage and method; where a method was not measured, those of its stage."""

    def __init__(self, measured: Iterable[Measured]) -> None:
        self._by_method: dict[Method, Rate] = defaultdict(Rate)
        self._by_stage: dict[str, Rate] = defaultdict(Rate)
        for key, record, tiles in measured:
            self._by_method[_method(key)].add(tiles, record)
            self._by_stage[key.stage].add(tiles, record)

    def of(self, key: ArtifactKey) -> Rate | None:
        """Return the rate that is nearest to an artifact; None where nothing of its stage was measured."""
        return self._by_method.get(_method(key)) or self._by_stage.get(key.stage)


def measured_elsewhere(store: Store, stages: Mapping[str, str]) -> Iterable[Measured]:
    """Yield what other studies of this home measured, as far as its records count tiles.

    Args:
        store: the store.
        stages: {kind of artifact: stage} to look at.
    """
    for kind, stage in stages.items():
        for record in store.records(kind):
            tiles = int(record.measures.get("tiles", 0))
            if tiles:
                explainer = record.spec.recipe.get("explainer") or {}
                yield (
                    ArtifactKey(stage, explainer=str(explainer.get("id") or explainer.get("name") or "")),
                    record,
                    tiles,
                )


def _method(key: ArtifactKey) -> Method:
    return key.stage, key.explainer or "", key.metric or ""
