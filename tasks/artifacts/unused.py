"""Artifacts that no recorded study uses and no run has touched for some days: listed, deleted when asked.

An artifact stays as long as the last recording of some study was made from it, directly or through
others. It also stays as long as a run made or reused it lately, and as long as a plan names it that the
user asks to keep. Nothing else says that it is wanted: a store does not know the study files.
"""

import os
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR

from tasks.artifacts.drafts import is_abandoned, remove
from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.recordings import all_records, kinds, last_recordings, reached
from tasks.artifacts.store import Store

LEFTOVER = "leftover"
_DAY = 24 * 3600.0


@dataclass(frozen=True)
class Unused:
    """An artifact, or a folder that belongs to none, which could go.

    Attributes:
        kind: of the artifact, or ``leftover``: replaced bytes, and drafts and work that nobody finished.
        folder: of the payload, or what is left over.
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
        size = 0 if folder in needed else _size(folder)
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
            remove(item.folder)
        with suppress(OSError):
            # The folder of the fingerprint, where nothing else is left in it.
            item.folder.parent.rmdir()
        yield item


def _leftovers(store: Store, payloads: Collection[Path]) -> Iterator[Unused]:
    """Yield payloads that no record points to, drafts, and unfinished work."""
    for kind in kinds(store):
        for folder in sorted((store.root / kind).glob("*/*/")):
            if folder not in payloads:
                yield _leftover(folder)
    for folder in sorted([*store.drafts.glob("*"), *store.unfinished()]):
        yield _leftover(folder)


def _leftover(folder: Path) -> Unused:
    stats = list(_stats(folder))
    return Unused(LEFTOVER, folder, _sum(stats), max((each.st_mtime for each in stats), default=0.0))


def _size(folder: Path) -> int:
    return _sum(_stats(folder))


def _sum(stats: Iterable[os.stat_result]) -> int:
    return sum(each.st_size for each in stats if not S_ISDIR(each.st_mode))


def _stats(folder: Path) -> Iterator[os.stat_result]:
    """Yield what is known of a folder or file and all below. A run may be at it, and take some away."""
    names = [Path(above) / name for above, folders, files in os.walk(folder) for name in (*folders, *files)]
    for path in (folder, *names):
        with suppress(FileNotFoundError):
            yield path.stat()
