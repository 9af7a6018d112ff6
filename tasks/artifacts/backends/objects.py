"""ObjectBackend: artifacts in an object store, read through a cache on this machine."""

import os
import time
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from tasks.artifacts.backends.backend import Lookup, Stray
from tasks.artifacts.backends.bucket import Bucket
from tasks.artifacts.backends.complaints import Complaint
from tasks.artifacts.backends.errors import MissingArtifactError, StoreError
from tasks.artifacts.backends.file_cache import CacheEntry, CacheFullError, FileCache
from tasks.artifacts.backends.listings import Listings, pointer_of
from tasks.artifacts.backends.locks import Locks
from tasks.artifacts.backends.payload_transfer import download_payload, upload_payload, wrong_with
from tasks.artifacts.payload import damage
from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.spec import ArtifactSpec

_DAY = 24 * 3600.0
_TRIES = 5


class ObjectBackend:
    """Objects with the names that files have in a store on disk, so that one can be copied to the other.

    Args:
        bucket: where they lie.
        cache: copies of payloads on this machine.
        drafts: a folder for payloads that are being written.
        locks: who makes an artifact.
    """

    def __init__(self, bucket: Bucket, cache: FileCache, drafts: Path, locks: Locks) -> None:
        self.bucket, self.cache, self.drafts, self._locks = bucket, cache, drafts, locks
        self.where = str(bucket.address)
        self._listings = Listings(bucket)

    def look(self, kind: str, fingerprint: str, *, full: bool = False, lately: bool = False) -> Lookup | None:
        """Return what lies under a fingerprint; ``full`` reads all of the payload from the store."""
        objects = self._listings.of(kind, fingerprint, lately=lately)
        record = self._listings.record(kind, fingerprint, objects)
        if record is None:
            return None
        prefix = _prefix(record)
        if not prefix.startswith(f"{kind}/{fingerprint}/"):
            # Adopted: the payload is that of an earlier fingerprint.
            objects = self.bucket.list(prefix)
        return Lookup(record, wrong_with(record, prefix, objects) or (self._full(record) if full else ""))

    def open(self, record: ArtifactRecord) -> Path:
        """Return the folder of the cache that holds the payload, which is fetched where it is not there."""
        folder, prefix = self.cache.files / _prefix(record), _prefix(record)

        def fill(draft: Path) -> None:
            wrong = wrong_with(record, prefix, self.bucket.list(prefix))
            if wrong:
                raise MissingArtifactError(
                    f"artifact {record.reference} is damaged: {wrong}; run its stage again"
                )
            download_payload(self.bucket, prefix, record, draft / prefix)

        self.cache.fetch(_entry(record), fill, lambda: damage(folder, record.files) is None)
        return folder

    def publish(self, draft: Path, record: ArtifactRecord, *, replace: bool) -> ArtifactRecord:
        """Put the payload, then the record, which one of two that try at once puts."""
        upload_payload(self.bucket, draft, _prefix(record), record)
        if replace:
            self.put(record)
            counts = record
        else:
            counts = self._put_first(record)
        if counts.digest == record.digest:
            self._keep(draft, record)
        return counts

    def adopt(self, old: ArtifactRecord, new: ArtifactRecord) -> None:
        """Let ``new`` stand for the payload of ``old``, copied within the store where the kind differs."""
        source, target = _prefix(old), _prefix(new)
        if source != target:
            for file in old.files:
                self.bucket.copy(f"{source}/{file.path}", f"{target}/{file.path}")
        self.put(new)

    def records(self, kind: str) -> Iterator[ArtifactRecord]:
        """Yield every record of ``kind``, in order of fingerprint."""
        listed = self._listings.of_kind(kind)
        self._listings.read_ahead(kind, listed)
        for fingerprint in sorted(listed):
            record = self._listings.record(kind, fingerprint, listed[fingerprint])
            if record is not None:
                yield record

    def kinds(self) -> list[str]:
        """Return the kinds of artifact that are kept, sorted."""
        there = self.bucket.names_in("")
        return sorted(name for name, file in there.items() if file is None and not name.startswith("."))

    def put(self, record: ArtifactRecord) -> None:
        """Make ``record`` the one of its fingerprint."""
        self.bucket.overwrite(pointer_of(record.spec.kind, record.fingerprint), _as_bytes(record))
        self._listings.forget(record.spec.kind)

    def touch(self, record: ArtifactRecord) -> bool:
        """Remember that the artifact was wanted, to the day; say whether it is still there.

        The time of an object is when it was put, so the record is put again, by its tag.
        """
        kind, fingerprint = record.spec.kind, record.fingerprint
        name = pointer_of(kind, fingerprint)
        stored = self._listings.of(kind, fingerprint, lately=True).get(name)
        if stored is None:
            return False
        if time.time() - stored.time < _DAY:
            return True
        self.bucket.replace(name, _as_bytes(record), stored.tag)
        self._listings.forget(kind)
        return self.bucket.info(name) is not None

    def used(self, record: ArtifactRecord) -> float:
        """Return when a run made or reused an artifact last, to the day, in seconds since 1970."""
        kind, fingerprint = record.spec.kind, record.fingerprint
        stored = self._listings.of(kind, fingerprint, lately=True).get(pointer_of(kind, fingerprint))
        # A use within a day after the record was put is not told apart.
        return 0.0 if stored is None else stored.time + _DAY

    def folder(self, record: ArtifactRecord) -> Path:
        """Return the name of the payload in the store."""
        return Path(_prefix(record))

    def forget(self, record: ArtifactRecord, used: float) -> bool:
        """Take the record away unless it was used since ``used``."""
        name = pointer_of(record.spec.kind, record.fingerprint)
        stored = self.bucket.info(name)
        if stored is None or stored.time + _DAY > used:
            return False
        self.bucket.delete([name])
        self._listings.forget(record.spec.kind)
        return True

    def strays(self, payloads: Collection[Path]) -> Iterator[Stray]:
        """Yield payloads that are none of ``payloads``."""
        for kind in self.kinds():
            sizes: dict[Path, tuple[int, float]] = {}
            for objects in self._listings.of_kind(kind).values():
                for name, stored in objects.items():
                    pieces = name.split("/")
                    if len(pieces) > 3:
                        folder = Path(*pieces[:3])
                        size, used = sizes.get(folder, (0, 0.0))
                        sizes[folder] = size + stored.size, max(used, stored.time)
            yield from (Stray(f, *sizes[f]) for f in sorted(sizes) if f not in payloads)

    def size(self, record: ArtifactRecord) -> int:
        """Return the bytes of the payload that are there."""
        return sum(stored.size for stored in self.bucket.list(_prefix(record)).values())

    def discard(self, folder: Path) -> None:
        """Delete a payload of the store."""
        self.bucket.delete(self.bucket.list(folder.as_posix()))
        self._listings.forget(folder.parts[0])

    def probe(self, *, write: bool) -> None:
        """Ask whether the store can be used, and give up early."""
        bucket = Bucket(self.bucket.address, hasty=True)
        bucket.names_in("")
        if not write:
            return
        name = f".probes/{os.urandom(8).hex()}"
        first, second = bucket.create(name, b"probe"), bucket.create(name, b"another")
        read = bucket.read(name)
        bucket.delete([name])
        if not first or second or read != b"probe":
            raise StoreError(Complaint.NO_CONDITION.sentence(bucket.address, ValueError()))

    def lock(self, spec: ArtifactSpec) -> AbstractContextManager[None]:
        """Let one at a time make ``spec``."""
        return self._locks.held(spec)

    def _put_first(self, record: ArtifactRecord) -> ArtifactRecord:
        """Put the record where no whole artifact is, and return the one that counts."""
        kind, fingerprint = record.spec.kind, record.fingerprint
        name = pointer_of(kind, fingerprint)
        for _ in range(_TRIES):
            if self.bucket.create(name, _as_bytes(record)):
                self._listings.forget(kind)
                return record
            self._listings.forget(kind)
            stored = self.bucket.info(name)
            there = self.look(kind, fingerprint)
            if there is not None and not there.wrong:
                return there.record
            # Damaged or unreadable: exchanged for ours, unless another process was quicker.
            if stored is not None and self.bucket.replace(name, _as_bytes(record), stored.tag):
                return record
        raise StoreError(f"{self.where}: the record of {record.reference} is changed by others all the time")

    def _keep(self, draft: Path, record: ArtifactRecord) -> None:
        """Move a payload that was just put into the cache: what comes next reads it."""

        def move(target: Path) -> None:
            folder = target / _prefix(record)
            folder.parent.mkdir(parents=True, exist_ok=True)
            draft.rename(folder)

        with suppress(CacheFullError):
            self.cache.fetch(_entry(record), move)()

    def _full(self, record: ArtifactRecord) -> str:
        for file in record.files:
            if self.bucket.sha256(f"{_prefix(record)}/{file.path}") != file.sha256:
                return f"{file.path} has other bytes than were written"
        return ""


def _prefix(record: ArtifactRecord) -> str:
    return f"{record.spec.kind}/{record.payload}"


def _entry(record: ArtifactRecord) -> CacheEntry:
    prefix = _prefix(record)
    files = tuple(f"{prefix}/{file.path}" for file in record.files)
    return CacheEntry(prefix, files, sum(file.size for file in record.files), record.digest)


def _as_bytes(record: ArtifactRecord) -> bytes:
    return record.model_dump_json(indent=1).encode("utf-8")
