"""Bundles: small artifacts of one stage and model are sent together, so that sending them costs little."""

from collections import Counter
from collections.abc import Iterable, Iterator
from math import ceil

from tasks.artifacts.key import ArtifactKey, ModelKey

SECONDS = 10.0
"""What a request should be worth. Sending one costs some tens of milliseconds (docs/clusters.md)."""

MOST = 64
"""No request holds more artifacts than this."""


class Bundler:
    """Says how many artifacts of a stage are sent together, from how long those before took."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._count = Counter[str]()

    def note(self, stage: str, seconds: float) -> None:
        """Note how long one artifact of ``stage`` took."""
        self._count[stage] += 1
        self._seconds[stage] = self._seconds.get(stage, 0.0) + seconds

    def size(self, stage: str) -> int:
        """Return how many artifacts of ``stage`` are worth a request; 1 until one was made."""
        if not self._count[stage]:
            return 1
        mean = self._seconds[stage] / self._count[stage]
        return MOST if mean <= 0 else min(MOST, max(1, ceil(SECONDS / mean)))

    def bundled(self, groups: Iterable[list[ArtifactKey]], workers: int) -> Iterator[list[ArtifactKey]]:
        """Yield ``groups``, those of single artifacts of one stage and model put together.

        Each of ``workers`` gets several bundles of what is ready, so that none waits long for the last.
        """
        singles: dict[tuple[str, ModelKey | None], list[ArtifactKey]] = {}
        others = []
        for group in groups:
            if len(group) > 1 or not group[0].coordinates:
                others.append(group)
            else:
                singles.setdefault((group[0].stage, group[0].model), []).append(group[0])
        ready = Counter(stage for (stage, _), keys in singles.items() for _ in keys)
        for (stage, _), keys in singles.items():
            size = min(self.size(stage), max(1, ready[stage] // (2 * workers)))
            yield from (keys[start : start + size] for start in range(0, len(keys), size))
        yield from others
