"""Artifacts that no recorded study uses and no run has touched for some days: listed, deleted when asked.

An artifact stays as long as the last recording of some study was made from it, directly or through
others. It also stays as long as a run made or reused it lately, and as long as a plan names it that the
user asks to keep. Nothing else says that it is wanted: a store does not know the study files.
"""

import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.artifacts.backends.backend import Stray
from tasks.artifacts.backends.folder import stray
from tasks.artifacts.drafts import is_abandoned
from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.recordings import all_records, last_recordings, reached
from tasks.artifacts.store import Store

LEFTOVER = "leftover"
_DAY = 24 * 3600.0


@dataclass(frozen=True)
class Unused:
    """An artifact, or a folder that belongs to none, which could go.

    Attributes:
        kind: of the artifact, or ``leftover``: replaced bytes, and drafts and work that nobody finished.
        folder: of the payload, or what is left over; in an object store a name below its address.
        size: bytes that would be free; 0 where the payload is another artifact's too.
        used: when a run made or reused it last, in seconds since 1970.
        record: of the artifact; None for a leftover.
    """

    kind: str
    folder: Path
    size: int
    used: float
    record: ArtifactRecord | None = None


def unused(store: Store, days: float, keep: Iterable[ArtifactRecord] = ()) -> list[Unused]:
    """Return what no recorded study uses and no run has touched for ``days``.

    Args:
        store: where to look.
        days: how long ago the last use must be.
        keep: artifacts that stay with all that they were made from, such as those of a plan.
    """
    before = time.time() - days * _DAY
    records = all_records(store)
    used = {name: store.used(record) for name, record in records.items()}
    kept = reached(records, [*_wanted(store, records.values()), *keep])
    stays = {name for name in records if name in kept or used[name] >= before}
    # Adopted artifacts share the payload of the one they were adopted from.
    needed = {store.folder(records[name]) for name in stays}
    gone = []
    for name in sorted(records.keys() - stays):
        record, folder = records[name], store.folder(records[name])
        size = 0 if folder in needed else store.backend.size(record)
        needed.add(folder)
        gone.append(Unused(name[0], folder, size, used[name], record))
    # A younger draft may be of a run that is at it, unless its process is known to be dead.
    left = min(before, time.time() - _DAY)
    leftovers = _leftovers(store, needed)
    return [*gone, *(item for item in leftovers if item.used < left or is_abandoned(item.folder))]


def _wanted(store: Store, records: Collection[ArtifactRecord]) -> list[ArtifactRecord]:
    """Return the last recording of each study.

    One whose time is to come was made while the clock was wrong. Whether it is the last is not known, so it
    stays, and so does the last of those before.
    """
    now = time.time()
    early = [record for record in records if store.used(record) > now]
    past = [record for record in records if store.used(record) <= now]
    return [record for each in (early, past) for record in last_recordings(store, each).values()]


def clear(store: Store, items: Iterable[Unused]) -> Iterator[Unused]:
    """Delete ``items`` and yield those that went; one that a run has used in the meantime stays."""
    for item in items:
        if item.record is not None and not store.forget(item.record, item.used):
            continue
        if item.record is None or item.size:
            store.discard(item.folder)
        yield item


def _leftovers(store: Store, payloads: Collection[Path]) -> Iterator[Unused]:
    """Yield payloads that no record points to, drafts, and unfinished work."""
    for item in store.strays(payloads):
        yield _leftover(item)
    for folder in sorted([*store.drafts.glob("*"), *store.unfinished()]):
        yield _leftover(stray(folder))


def _leftover(item: Stray) -> Unused:
    return Unused(LEFTOVER, item.folder, item.size, item.used)
