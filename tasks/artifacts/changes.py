"""Why an artifact would be made: what differs between it and the nearest stored one."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from tasks.artifacts.first_edition import KINDS, as_today
from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.spec import ArtifactSpec
from tasks.artifacts.store import Store


class Earlier:
    """What the store held when it was first asked. Each kind is read once: there are thousands."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kinds: dict[str, _Kind] = {}

    def why(self, spec: ArtifactSpec) -> tuple[str, ...]:
        """Return phrases that say why ``spec`` is not stored, against the nearest earlier artifact."""
        # Artifacts of equal recipe and inputs are one, whatever their keys are called.
        if spec.fingerprint in self._kind(spec.kind).fingerprints:
            return ("its stored artifact is damaged",)
        earlier = self.nearest(spec)
        return ("it was never made",) if earlier is None else changes(earlier.spec, spec)

    def nearest(self, spec: ArtifactSpec) -> ArtifactRecord | None:
        """Return the stored artifact of the same kind and key that differs in the fewest ways."""
        same_key = self._kind(spec.kind).by_label.get(spec.label, [])
        return min(same_key, key=lambda record: len(changes(record.spec, spec)), default=None)

    def same_but_for_code(self, spec: ArtifactSpec) -> list[ArtifactRecord]:
        """Return the stored artifacts that differ from ``spec`` in code alone."""
        return self._kind(spec.kind).without_code.get(spec.fingerprint_without_code, [])

    def agrees_so_far(self, spec: ArtifactSpec) -> bool:
        """Say whether an artifact of this key is stored that differs in nothing that ``spec`` holds."""
        return any(
            record.spec.recipe == spec.recipe
            and record.spec.code == spec.code
            and record.spec.seed == spec.seed
            and spec.input_bytes.items() <= record.spec.input_bytes.items()
            for record in self._kind(spec.kind).by_label.get(spec.label, [])
        )

    def _kind(self, kind: str) -> "_Kind":
        if kind not in self._kinds:
            before = self._store.records(KINDS[kind]) if kind in KINDS else ()
            self._kinds[kind] = _Kind(chain(self._store.records(kind), before))
        return self._kinds[kind]


class _Kind:
    def __init__(self, records: Iterable[ArtifactRecord]) -> None:
        self.fingerprints: set[str] = set()
        self.by_label: dict[str, list[ArtifactRecord]] = defaultdict(list)
        self.without_code: dict[str, list[ArtifactRecord]] = defaultdict(list)
        for record in records:
            self.fingerprints.add(record.fingerprint)
            self.by_label[record.spec.label].append(record)
            self.without_code[as_today(record.spec).fingerprint_without_code].append(record)


def changes(old: ArtifactSpec, new: ArtifactSpec) -> tuple[str, ...]:
    """Return one phrase for every recipe field, input, module or seed that differs."""
    phrases = [f"recipe {p}: {a} -> {b}" for p, a, b in _differences(old.recipe, new.recipe)]
    phrases += [f"input {p} changed" for p, _, _ in _differences(old.input_bytes, new.input_bytes)]
    phrases += [f"code {p} changed" for p, _, _ in _differences(old.code, new.code)]
    if old.seed != new.seed:
        phrases.append(f"seed: {old.seed} -> {new.seed}")
    return tuple(phrases)


def _differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from _differences(old.get(key), new.get(key), f"{path}.{key}" if path else str(key))
    elif old != new:
        yield path, _short(old), _short(new)


def _short(value: Any) -> str:
    text = "absent" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
