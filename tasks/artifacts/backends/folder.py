"""FolderBackend: artifacts in a folder of this machine, or in one that several machines share."""

import errno
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from stat import S_ISDIR

from tasks.artifacts.backends.backend import Lookup, Stray
from tasks.artifacts.backends.errors import MissingArtifactError, StoreError
from tasks.artifacts.backends.locks import Locks
from tasks.artifacts.drafts import draft_name, remove
from tasks.artifacts.payload import damage
from tasks.artifacts.record import FILE_NAME, ArtifactRecord, note_use, read_record, write_atomically
from tasks.artifacts.spec import ArtifactSpec

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)
"""Errors of file systems that know no hard links."""


class FolderBackend:
    """A folder per kind, in it one per fingerprint, in it the record and one folder per payload.

    Args:
        root: the folder.
        locks: who makes an artifact.
    """

    def __init__(self, root: Path, locks: Locks) -> None:
        self.root, self._locks = root, locks
        self.where = str(root)
        # Beside the payloads, so that publishing is a rename within one file system.
        self.drafts = root / ".drafts"

    def look(self, kind: str, fingerprint: str, *, full: bool = False, lately: bool = False) -> Lookup | None:
        """Return what lies under a fingerprint."""
        record = read_record(self._pointer(kind, fingerprint))
        if record is None:
            return None
        return Lookup(record, damage(self.folder(record), record.files, full=full) or "")

    def open(self, record: ArtifactRecord) -> Path:
        """Return the payload folder, verified by size and, where touched, by hash."""
        wrong = damage(self.folder(record), record.files)
        if wrong is not None:
            raise MissingArtifactError(
                f"artifact {record.reference} is damaged: {wrong}; run its stage again"
            )
        return self.folder(record)

    def publish(self, draft: Path, record: ArtifactRecord, *, replace: bool) -> ArtifactRecord:
        """Take a written payload in, then its record."""
        target = self.folder(record)
        target.parent.mkdir(parents=True, exist_ok=True)
        self._move_in(draft, target, record)
        if replace or not self._put_first(record):
            self.put(record)
            return record
        found = self.look(record.spec.kind, record.fingerprint)
        return record if found is None else found.record

    def adopt(self, old: ArtifactRecord, new: ArtifactRecord) -> None:
        """Let ``new`` stand for the payload of ``old``."""
        target = self.folder(new)
        if target != self.folder(old) and not target.exists():
            draft = self.drafts / draft_name(new.fingerprint)
            shutil.copytree(self.folder(old), draft, copy_function=shutil.copy2)
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.rename(target)
        self.put(new)

    def records(self, kind: str) -> Iterator[ArtifactRecord]:
        """Yield every record of ``kind``, in order of fingerprint."""
        for pointer in sorted((self.root / kind).glob(f"*/{FILE_NAME}")):
            record = read_record(pointer)
            if record is not None:
                yield record

    def kinds(self) -> list[str]:
        """Return the kinds of artifact that are kept, sorted."""
        return sorted(path.name for path in self.root.glob("[!.]*") if path.is_dir())

    def put(self, record: ArtifactRecord) -> None:
        """Make ``record`` the one of its fingerprint."""
        pointer = self._pointer(record.spec.kind, record.fingerprint)
        pointer.parent.mkdir(parents=True, exist_ok=True)
        self.drafts.mkdir(parents=True, exist_ok=True)
        write_atomically(pointer, record.model_dump_json(indent=1), self.drafts)

    def touch(self, record: ArtifactRecord) -> bool:
        """Remember that the artifact was wanted now; say whether it is still there."""
        try:
            note_use(self._pointer(record.spec.kind, record.fingerprint))
        except FileNotFoundError:
            return False
        return True

    def used(self, record: ArtifactRecord) -> float:
        """Return when a run made or reused an artifact last, in seconds since 1970."""
        return self._pointer(record.spec.kind, record.fingerprint).stat().st_mtime

    def folder(self, record: ArtifactRecord) -> Path:
        """Return the folder of a payload, whole or not."""
        return self.root / record.spec.kind / record.payload

    def forget(self, record: ArtifactRecord, used: float) -> bool:
        """Take the record away unless it was used since ``used``."""
        pointer = self._pointer(record.spec.kind, record.fingerprint)
        if not pointer.exists() or self.used(record) > used:
            return False
        pointer.unlink()
        with suppress(OSError):
            # Empty where the payload is another's.
            pointer.parent.rmdir()
        return True

    def strays(self, payloads: Collection[Path]) -> Iterator[Stray]:
        """Yield payloads that are none of ``payloads``."""
        for kind in self.kinds():
            for folder in sorted((self.root / kind).glob("*/*/")):
                if folder not in payloads:
                    yield stray(folder)

    def size(self, record: ArtifactRecord) -> int:
        """Return the bytes of the payload that are there."""
        return stray(self.folder(record)).size

    def discard(self, folder: Path) -> None:
        """Delete a payload."""
        remove(folder)
        with suppress(OSError):
            # The folder of the fingerprint, where nothing else is left in it.
            folder.parent.rmdir()

    def probe(self, *, write: bool) -> None:
        """Ask whether the folder can be used."""
        if not write:
            return
        probe = self.drafts / draft_name("probe")
        try:
            self.drafts.mkdir(parents=True, exist_ok=True)
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise StoreError(f"the store {self.root} cannot be written: {error.strerror}") from error

    def lock(self, spec: ArtifactSpec) -> AbstractContextManager[None]:
        """Let one at a time make ``spec``."""
        return self._locks.held(spec)

    def _pointer(self, kind: str, fingerprint: str) -> Path:
        return self.root / kind / fingerprint / FILE_NAME

    def _move_in(self, draft: Path, target: Path, record: ArtifactRecord) -> None:
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

    def _put_first(self, record: ArtifactRecord) -> bool:
        """Put the record unless a whole artifact is there; say whether one is.

        A hard link is made or refused in one step, on a shared folder too.
        """
        pointer = self._pointer(record.spec.kind, record.fingerprint)
        draft = self.drafts / draft_name(record.fingerprint)
        self.drafts.mkdir(parents=True, exist_ok=True)
        write_atomically(draft, record.model_dump_json(indent=1), self.drafts)
        try:
            os.link(draft, pointer)
        except FileExistsError:
            there = self.look(record.spec.kind, record.fingerprint)
            return there is not None and not there.wrong
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            return False
        finally:
            draft.unlink(missing_ok=True)
        return True


def stray(folder: Path) -> Stray:
    """Return what lies in a folder, or is a file, that belongs to nothing."""
    stats = list(_stats(folder))
    size = sum(each.st_size for each in stats if not S_ISDIR(each.st_mode))
    return Stray(folder, size, max((each.st_mtime for each in stats), default=0.0))


def _stats(folder: Path) -> Iterator[os.stat_result]:
    """Yield what is known of a folder or file and all below. A run may be at it, and take some away."""
    names = [Path(above) / name for above, folders, files in os.walk(folder) for name in (*folders, *files)]
    for path in (folder, *names):
        with suppress(FileNotFoundError):
            yield path.stat()
