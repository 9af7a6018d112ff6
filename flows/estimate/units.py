"""How many tiles each planned artifact is about: what its room and time grow with."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tasks.artifacts.key import ArtifactKey
from tasks.study.stage import Planned

_SAMPLED = frozenset({"surround", "explain", "draw"})
"""Stages whose artifacts hold the explained tiles alone."""

_WHOLE = frozenset({"tile", "embed"})


class UnitCounter(NamedTuple):
    """Counts tiles.

    Attributes:
        tiles: tiles by slide.
        sample: at most so many of them are explained per slide; None for all.
    """

    tiles: Mapping[str, int]
    sample: int | None

    def of(self, planned: Planned) -> int:
        """Return how many tiles an artifact is about, counted once per model that it reads maps of.

        An artifact of a slide is about its tiles; any other about those of the slides that it reads, by their
        maps if it reads maps. 0 where it reads neither.
        """
        key = planned.key
        if key.slide is not None:
            own = self._explained(key.slide) if key.stage in _SAMPLED else self._all(key.slide)
            maps = sum(1 for other in planned.input_keys if other.stage == "explain")
            return own * max(1, maps)
        maps_of = self._slides(planned.input_keys, _SAMPLED)
        if maps_of:
            return sum(map(self._explained, maps_of))
        return sum(map(self._all, self._slides(planned.input_keys, _WHOLE)))

    def _all(self, slide: str) -> int:
        return self.tiles.get(slide, 0)

    def _explained(self, slide: str) -> int:
        return self._all(slide) if self.sample is None else min(self._all(slide), self.sample)

    @staticmethod
    def _slides(keys: Iterable[ArtifactKey], stages: frozenset[str]) -> list[str]:
        wanted = stages - {"surround"}  # read beside the maps of the same tiles
        return [key.slide for key in keys if key.stage in wanted and key.slide is not None]
