"""The store: an artifact is complete or absent, never changed, and named by what it was made from."""

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tasks.artifacts.payload import content_digest, damage, list_payload
from tasks.artifacts.record import FILE_NAME, ArtifactRecord, new_record, read_record, write_atomically
from tasks.artifacts.spec import ArtifactSpec, Reference

_log = logging.getLogger("veritile.store")

Write = Callable[[Path], Mapping[str, float] | None]
"""Writes a payload into an empty folder; may return measures such as seconds or megabytes."""


_NO_WORK = ("locks", "failed", "attempts")
"""Folders beside those of unfinished work."""


class MissingArtifactError(LookupError):
    """An artifact that was asked for is not in the store, or is damaged."""


class Store:
    """All artifacts below one home folder."""

    def __init__(self, home: Path) -> None:
        self.root = home / "store"
        self._work = home / "work"

    def find(self, spec: ArtifactSpec, *, full: bool = False) -> ArtifactRecord | None:
        """Return the record of ``spec`` if its payload is whole; a damaged one is reported and None."""
        record = read_record(self._pointer(spec.kind, spec.fingerprint))
        if record is None:
            return None
        wrong = damage(self.folder(record), record.files, full=full)
        if wrong is None:
            return record
        _log.warning(
            "damaged artifact %s (%s): %s. It will be made again.", record.reference, spec.label, wrong
        )
        return None

    def use(self, spec: ArtifactSpec, *, full: bool = False) -> ArtifactRecord | None:
        """Return what :meth:`find` does, and remember that the artifact was wanted now."""
        record = self.find(spec, full=full)
        if record is not None:
            try:
                os.utime(self._pointer(spec.kind, spec.fingerprint))
            except FileNotFoundError:
                # Cleared away between the two.
                return None
        return record

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
        with self._lock(spec):
            record = None if force else self.find(spec)
            return (record or self._build(spec, write, attempt)).reference

    def path(self, reference: Reference) -> Path:
        """Return the payload folder of ``reference``, verified by size and, where touched, by hash.

        Raises:
            MissingArtifactError: it is absent, damaged, or now points to other bytes.
        """
        record = self.record(reference)
        folder = self.folder(record)
        wrong = damage(folder, record.files)
        if wrong is not None:
            raise MissingArtifactError(f"artifact {reference} is damaged: {wrong}; run its stage again")
        return folder

    def record(self, reference: Reference) -> ArtifactRecord:
        """Return the record of ``reference``.

        Raises:
            MissingArtifactError: it is absent or now points to other bytes.
        """
        record = read_record(self._pointer(reference.kind, reference.fingerprint))
        if record is None or record.digest != reference.digest:
            raise MissingArtifactError(f"artifact {reference} is not in the store {self.root}")
        return record

    def work(self, spec: ArtifactSpec) -> Path:
        """Return the folder where unfinished work on ``spec`` may be resumed; made if absent."""
        folder = self._work / spec.fingerprint
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def records(self, kind: str) -> Iterator[ArtifactRecord]:
        """Yield every record of ``kind``, in order of fingerprint."""
        for pointer in sorted((self.root / kind).glob(f"*/{FILE_NAME}")):
            record = read_record(pointer)
            if record is not None:
                yield record

    def put(self, record: ArtifactRecord) -> None:
        """Make ``record`` the artifact of its fingerprint; the payload must lie in its place already."""
        pointer = self._pointer(record.spec.kind, record.fingerprint)
        pointer.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(pointer, record.model_dump_json(indent=1))

    def used(self, record: ArtifactRecord) -> float:
        """Return when a run made or reused an artifact last, in seconds since 1970."""
        return self._pointer(record.spec.kind, record.fingerprint).stat().st_mtime

    def folder(self, record: ArtifactRecord) -> Path:
        """Return the folder of a payload, whole or not."""
        return self.root / record.spec.kind / record.payload

    def forget(self, record: ArtifactRecord, used: float) -> bool:
        """Forget an artifact, unless a run has used it since ``used``; say whether it is forgotten.

        Its payload stays where it is, and may be another's too.
        """
        pointer = self._pointer(record.spec.kind, record.fingerprint)
        with self._lock(record.spec):
            if not pointer.exists() or self.used(record) > used:
                return False
            pointer.unlink()
            with suppress(OSError):
                # Empty where the payload is another's.
                pointer.parent.rmdir()
        return True

    @property
    def drafts(self) -> Path:
        """The folder of payloads that are being written."""
        return self.root / ".drafts"

    def unfinished(self) -> list[Path]:
        """Return the folders of work that may be resumed."""
        return [path for path in self._work.glob("*/") if path.name not in _NO_WORK]

    @contextmanager
    def _lock(self, spec: ArtifactSpec) -> Iterator[None]:
        """Let one process at a time make ``spec``; the kernel drops the lock of a killed one."""
        folder = self._work / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / spec.fingerprint).open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def _pointer(self, kind: str, fingerprint: str) -> Path:
        return self.root / kind / fingerprint / FILE_NAME

    def _build(self, spec: ArtifactSpec, write: Write, attempt: str) -> ArtifactRecord:
        draft = self._new_draft(spec)
        started = time.perf_counter()
        try:
            measures = dict(write(draft) or {})
            measures.setdefault("seconds", time.perf_counter() - started)
            record = self._publish(spec, draft, measures, attempt)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        self._forget_work(spec)
        return record

    def _new_draft(self, spec: ArtifactSpec) -> Path:
        # Beside the payloads, so that publishing is a rename within one file system.
        draft = self.drafts / f"{spec.fingerprint}.{os.getpid()}.{os.urandom(4).hex()}"
        draft.mkdir(parents=True)
        return draft

    def _publish(
        self, spec: ArtifactSpec, draft: Path, measures: Mapping[str, float], attempt: str
    ) -> ArtifactRecord:
        files = list_payload(draft)
        record = new_record(spec, content_digest(files), files, measures, attempt)
        target = self.folder(record)
        target.parent.mkdir(parents=True, exist_ok=True)
        self._place(draft, target, record)
        self.put(record)
        return record

    def _place(self, draft: Path, target: Path, record: ArtifactRecord) -> None:
        """Rename the draft into place; an equal payload that is there already is refreshed, not trusted."""
        if target.exists():
            aside = draft.with_name(f"{draft.name}.old")
            target.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)
        try:
            draft.rename(target)
        except OSError:
            # Another process published the same bytes in between: its payload is ours.
            if damage(target, record.files, full=True) is not None:
                raise

    def _forget_work(self, spec: ArtifactSpec) -> None:
        shutil.rmtree(self._work / spec.fingerprint, ignore_errors=True)
