"""The store: an artifact is complete or absent, never changed, and named by what it was made from."""

import logging
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from tasks.artifacts.backends.backend import Backend, Stray
from tasks.artifacts.backends.choose import backend_of
from tasks.artifacts.backends.errors import MissingArtifactError
from tasks.artifacts.drafts import NO_WORK, draft_name
from tasks.artifacts.payload import content_digest, list_payload
from tasks.artifacts.record import ArtifactRecord, new_record
from tasks.artifacts.spec import ArtifactSpec, Reference

__all__ = ["MissingArtifactError", "Store", "Write"]

_log = logging.getLogger("veritile.store")

Write = Callable[[Path], Mapping[str, float] | None]
"""Writes a payload into an empty folder; may return measures such as seconds or megabytes."""

CACHE_GB = 50.0
"""The size of the local cache of an object store where nobody states another."""


class Store:
    """All artifacts of one home.

    Args:
        home: the folder of all state. Unfinished work and drafts lie in it, wherever the store is.
        address: where artifacts lie: the URL of an object store or of a folder that machines share; by
            default the folder ``store`` of the home.
        cache_gb: what artifacts of an object store may take on the disk of the home.

    Raises:
        StoreAddressError: the address names no store.
    """

    def __init__(self, home: Path, address: str | None = None, cache_gb: float = CACHE_GB) -> None:
        self._work = home / "work"
        self.backend: Backend = backend_of(home, address, cache_gb)

    @property
    def root(self) -> Path:
        """The folder of this machine for drafts; a store on disk keeps its artifacts there too."""
        return self.backend.drafts.parent

    @property
    def where(self) -> str:
        """Where artifacts lie: a folder or an address."""
        return self.backend.where

    def find(self, spec: ArtifactSpec, *, full: bool = False, lately: bool = False) -> ArtifactRecord | None:
        """Return the record of ``spec`` if its payload is whole; a damaged one is reported and None.

        Args:
            spec: what is wanted.
            full: hash every byte of the payload.
            lately: of an object store, an answer of the last minute that the artifact is there will do.
        """
        found = self.backend.look(spec.kind, spec.fingerprint, full=full, lately=lately)
        if found is None or not found.wrong:
            return None if found is None else found.record
        _log.warning(
            "damaged artifact %s (%s): %s. It will be made again.",
            found.record.reference,
            spec.label,
            found.wrong,
        )
        return None

    def use(self, spec: ArtifactSpec, *, full: bool = False) -> ArtifactRecord | None:
        """Return what :meth:`find` does, and remember that the artifact was wanted now.

        Of an object store it may be an answer of the last minute that the artifact is there.
        """
        record = self.find(spec, full=full, lately=True)
        # It may have been cleared away between the two.
        return record if record is not None and self.backend.touch(record) else None

    def reuse_or_build(
        self, spec: ArtifactSpec, write: Write, *, force: bool = False, attempt: str = ""
    ) -> Reference:
        """Return the stored artifact of ``spec``, or make it with ``write`` and store it.

        Args:
            spec: what is wanted.
            write: writes the payload.
            force: make it again although it is stored.
            attempt: names this attempt in the record of what is made.
        """
        with self.backend.lock(spec):
            record = None if force else self.find(spec)
            return (record or self._build(spec, write, attempt, replace=force)).reference

    def path(self, reference: Reference) -> Path:
        """Return the payload folder of ``reference``, verified by size and, where touched, by hash.

        Of an object store it is fetched to the cache first. It stays there as long as the
        :func:`tasks.artifacts.backends.holds.holding` block that asked for it, else as long as this process.

        Raises:
            MissingArtifactError: it is absent, damaged, or now points to other bytes.
        """
        return self.backend.open(self.record(reference))

    def record(self, reference: Reference) -> ArtifactRecord:
        """Return the record of ``reference``.

        Raises:
            MissingArtifactError: it is absent or now points to other bytes.
        """
        for lately in (True, False):
            found = self.backend.look(reference.kind, reference.fingerprint, lately=lately)
            if found is not None and found.record.digest == reference.digest:
                return found.record
        raise MissingArtifactError(f"artifact {reference} is not in the store {self.where}")

    def work(self, spec: ArtifactSpec) -> Path:
        """Return the folder where unfinished work on ``spec`` may be resumed; made if absent."""
        folder = self._work / spec.fingerprint
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def records(self, kind: str) -> Iterator[ArtifactRecord]:
        """Yield every record of ``kind``, in order of fingerprint."""
        return self.backend.records(kind)

    def kinds(self) -> list[str]:
        """Return the kinds of artifact that the store holds, sorted."""
        return self.backend.kinds()

    def put(self, record: ArtifactRecord) -> None:
        """Make ``record`` the artifact of its fingerprint; the payload must lie in its place already."""
        self.backend.put(record)

    def adopt(self, old: ArtifactRecord, new: ArtifactRecord) -> None:
        """Let ``new`` stand for the payload of ``old``, which is copied where ``new`` keeps it elsewhere."""
        self.backend.adopt(old, new)

    def used(self, record: ArtifactRecord) -> float:
        """Return when a run made or reused an artifact last, in seconds since 1970."""
        return self.backend.used(record)

    def folder(self, record: ArtifactRecord) -> Path:
        """Return where a payload lies, whole or not: a folder, of an object store a name in it."""
        return self.backend.folder(record)

    def forget(self, record: ArtifactRecord, used: float) -> bool:
        """Forget an artifact, unless a run has used it since ``used``; say whether it is forgotten.

        Its payload stays where it is, and may be another's too.
        """
        with self.backend.lock(record.spec):
            return self.backend.forget(record, used)

    def strays(self, payloads: Collection[Path]) -> Iterator[Stray]:
        """Yield the payloads that are none of ``payloads``."""
        return self.backend.strays(payloads)

    def discard(self, folder: Path) -> None:
        """Delete a payload, a draft or unfinished work."""
        if folder.is_relative_to(self.drafts) or folder.is_relative_to(self._work):
            shutil.rmtree(folder, ignore_errors=True)
        else:
            self.backend.discard(folder)

    @property
    def drafts(self) -> Path:
        """The folder of payloads that are being written."""
        return self.backend.drafts

    def unfinished(self) -> list[Path]:
        """Return the folders of work that may be resumed."""
        return [path for path in self._work.glob("*/") if path.name not in NO_WORK]

    def _build(self, spec: ArtifactSpec, write: Write, attempt: str, *, replace: bool) -> ArtifactRecord:
        draft = self.drafts / draft_name(spec.fingerprint)
        draft.mkdir(parents=True)
        started = time.perf_counter()
        try:
            measures = dict(write(draft) or {})
            measures.setdefault("seconds", time.perf_counter() - started)
            files = list_payload(draft)
            record = new_record(spec, content_digest(files), files, measures, attempt)
            record = self.backend.publish(draft, record, replace=replace)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(self._work / spec.fingerprint, ignore_errors=True)
        return record
