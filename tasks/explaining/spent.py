"""What an interrupted piece of work has spent, call by call, so that its costs count all of them."""

import json
import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tasks.functional.passes import PassCounter


class Spent:
    """Costs by name, kept in ``work`` beside what they paid for: one small file per call."""

    def __init__(self, work: Path) -> None:
        self._folder = work / "spent"
        earlier = sorted(self._folder.glob("*.json"))
        self._earlier: Counter[str] = Counter()
        for path in earlier:
            self._earlier.update(json.loads(path.read_text(encoding="utf-8")))
        self._path = self._folder / f"{len(earlier):04d}.json"

    def note(self, costs: Mapping[str, float]) -> None:
        """Keep what this call has spent so far."""
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps(costs), encoding="utf-8")
        draft.replace(self._path)

    def total(self, costs: Mapping[str, float]) -> dict[str, float]:
        """Return what all calls spent, of which the last one spent ``costs``."""
        return {name: self._earlier[name] + value for name, value in costs.items()}

    def forget(self) -> None:
        """Remove everything."""
        shutil.rmtree(self._folder, ignore_errors=True)


def costs_since(started: float, counters: Sequence[PassCounter], unit: str) -> dict[str, float]:
    """Return what a call has spent so far.

    Args:
        started: when it began, by ``time.perf_counter``.
        counters: of the networks that it asks.
        unit: what a network is asked about, ``images`` or ``bags``.
    """
    return {
        "seconds": time.perf_counter() - started,
        f"forward_{unit}": sum(counter.spent.forward for counter in counters),
        f"backward_{unit}": sum(counter.spent.backward for counter in counters),
    }
