"""Backend: what the store asks of wherever artifacts lie."""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.spec import ArtifactSpec


class Lookup(NamedTuple):
    """What lies under a fingerprint: its record, and what is wrong with its payload, if anything."""

    record: ArtifactRecord
    wrong: str = ""


@dataclass(frozen=True)
class Stray:
    """A payload that no record points to.

    Attributes:
        folder: where it lies, as :meth:`Backend.folder` tells it.
        size: in bytes.
        used: when it was written, in seconds since 1970.
    """

    folder: Path
    size: int
    used: float


class Backend(Protocol):
    """Keeps payloads and the records that point to them.

    A payload is there as a whole before its record is, and the record is put in one step. Nothing here rests
    on a lock: two that publish one artifact at the same time agree on one.
    """

    where: str
    """The folder or the address, for messages."""

    drafts: Path
    """A folder of this machine for payloads that are being written."""

    def look(self, kind: str, fingerprint: str, *, full: bool = False, lately: bool = False) -> Lookup | None:
        """Return what lies under a fingerprint.

        Args:
            kind: of the artifact.
            fingerprint: of the artifact.
            full: hash every byte of the payload.
            lately: an answer of the last minute will do, where it says that the artifact is there.
        """

    def open(self, record: ArtifactRecord) -> Path:
        """Return a folder of this machine that holds the payload.

        Raises:
            MissingArtifactError: the payload is damaged.
        """

    def publish(self, draft: Path, record: ArtifactRecord, *, replace: bool) -> ArtifactRecord:
        """Take a written payload in, then its record; return the record that counts from now on.

        Args:
            draft: the written payload; it may be moved away.
            record: what points to it.
            replace: put the record although a whole artifact of its fingerprint may be there.
        """

    def adopt(self, old: ArtifactRecord, new: ArtifactRecord) -> None:
        """Let ``new`` stand for the payload of ``old``, which is copied where ``new`` keeps it elsewhere."""

    def records(self, kind: str) -> Iterator[ArtifactRecord]:
        """Yield every record of ``kind``, in order of fingerprint."""

    def kinds(self) -> list[str]:
        """Return the kinds of artifact that are kept, sorted."""

    def put(self, record: ArtifactRecord) -> None:
        """Make ``record`` the one of its fingerprint; the payload must lie in its place already."""

    def touch(self, record: ArtifactRecord) -> bool:
        """Remember that the artifact was wanted now; say whether it is still there."""

    def used(self, record: ArtifactRecord) -> float:
        """Return when a run made or reused an artifact last, in seconds since 1970."""

    def folder(self, record: ArtifactRecord) -> Path:
        """Return where the payload lies: a folder of this machine, else a name below the address."""

    def forget(self, record: ArtifactRecord, used: float) -> bool:
        """Take the record away unless it was used since ``used``; say whether it is away."""

    def strays(self, payloads: Collection[Path]) -> Iterator[Stray]:
        """Yield payloads that are none of ``payloads``."""

    def size(self, record: ArtifactRecord) -> int:
        """Return the bytes of the payload that are there."""

    def discard(self, folder: Path) -> None:
        """Delete a payload."""

    def probe(self, *, write: bool) -> None:
        """Ask whether the store can be used, and give up early.

        Args:
            write: try also whether an object can be put, once, and deleted.

        Raises:
            StoreError: it cannot; the sentence says why.
        """

    def lock(self, spec: ArtifactSpec) -> AbstractContextManager[None]:
        """Let one at a time make ``spec``, as far as that goes; nothing but saved work rests on it."""
