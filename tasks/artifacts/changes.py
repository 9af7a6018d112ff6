"""Why a part would run: what differs between it and the nearest artifact of the same place."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tasks.artifacts.part import Part
from tasks.artifacts.record import Record
from tasks.artifacts.store import Store


class Earlier:
    """What the store held when it was first asked, each kind read once: a study has thousands of parts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kinds: dict[str, _Kind] = {}

    def why(self, part: Part) -> tuple[str, ...]:
        """Return phrases that say why ``part`` is not in the store, against the nearest earlier artifact."""
        # Parts of equal recipe and inputs share an artifact, whatever their places are called.
        if part.fingerprint in self._kind(part.kind).fingerprints:
            return ("its stored artifact is damaged",)
        earlier = self.nearest(part)
        return ("it was never made",) if earlier is None else changes(earlier.part, part)

    def nearest(self, part: Part) -> Record | None:
        """Return the stored artifact of the same kind and place that differs in the fewest ways."""
        same_place = self._kind(part.kind).by_label.get(part.label, [])
        return min(same_place, key=lambda record: len(changes(record.part, part)), default=None)

    def _kind(self, kind: str) -> "_Kind":
        if kind not in self._kinds:
            self._kinds[kind] = _Kind(self._store.records(kind))
        return self._kinds[kind]


class _Kind:
    def __init__(self, records: Iterable[Record]) -> None:
        self.fingerprints: set[str] = set()
        self.by_label: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            self.fingerprints.add(record.fingerprint)
            self.by_label[record.part.label].append(record)


def changes(old: Part, new: Part) -> tuple[str, ...]:
    """Return one phrase for every recipe field, input, module or seed that differs."""
    found = [f"recipe {p}: {a} -> {b}" for p, a, b in _differences(old.recipe, new.recipe)]
    found += [
        f"input {p} changed" for p, a, b in _differences(old.inputs, new.inputs) if _tail(a) != _tail(b)
    ]
    found += [f"code {p} changed" for p, _, _ in _differences(old.code, new.code)]
    if old.seed != new.seed:
        found.append(f"seed: {old.seed} -> {new.seed}")
    return tuple(found)


def _tail(text: Any) -> str:
    return str(text).rpartition("/")[2]


def _differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from _differences(old.get(key), new.get(key), f"{path}.{key}" if path else str(key))
    elif old != new:
        yield path, _short(old), _short(new)


def _short(value: Any) -> str:
    text = "absent" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
