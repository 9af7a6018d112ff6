"""The last recording of each study, and what it was made from."""

from collections.abc import Iterable, Mapping

from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.spec import Reference
from tasks.artifacts.store import Store

_RECORDING = "Recording"

Name = tuple[str, str]
"""Kind and fingerprint."""


def all_records(store: Store) -> dict[Name, ArtifactRecord]:
    """Return every record of a store."""
    records = (record for kind in store.kinds() for record in store.records(kind))
    return {(record.spec.kind, record.fingerprint): record for record in records}


def last_recordings(store: Store, records: Iterable[ArtifactRecord]) -> dict[str, ArtifactRecord]:
    """Return, by the name of the study, the recording that was made or reused last."""
    recordings = (record for record in records if record.spec.kind == _RECORDING)
    return {str(record.spec.recipe["study"]): record for record in sorted(recordings, key=store.used)}


def reached(
    records: Mapping[Name, ArtifactRecord], roots: Iterable[ArtifactRecord]
) -> dict[Name, ArtifactRecord]:
    """Return ``roots`` and all that they were made from, directly or through others, nearest first."""
    found: dict[Name, ArtifactRecord] = {}
    waiting = [(root.spec.kind, root.fingerprint) for root in roots]
    while waiting:
        new = [name for name in dict.fromkeys(waiting) if name not in found and name in records]
        found.update((name, records[name]) for name in new)
        inputs = [item for name in new for item in records[name].spec.inputs.values()]
        waiting = [(item.kind, item.fingerprint) for item in inputs if isinstance(item, Reference)]
    return found
