"""What lies in a payload folder, and whether it is still what was written."""

import hashlib
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tasks.artifacts.spec import digest_of

_CHUNK = 1 << 20


class PayloadFile(BaseModel):
    """One file of a payload: path relative to the folder, size in bytes, sha256, time of writing."""

    model_config = ConfigDict(frozen=True)

    path: str
    size: int
    sha256: str
    mtime_ns: int


def sha256_of(path: Path) -> str:
    """Return the hex sha256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def list_payload(folder: Path) -> tuple[PayloadFile, ...]:
    """Return every file below ``folder`` in path order, flushed to disk and hashed."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return tuple(_describe(folder, path) for path in files)


def _describe(folder: Path, path: Path) -> PayloadFile:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
    stat = path.stat()
    return PayloadFile(
        path=path.relative_to(folder).as_posix(),
        size=stat.st_size,
        sha256=sha256_of(path),
        mtime_ns=stat.st_mtime_ns,
    )


def content_digest(files: tuple[PayloadFile, ...]) -> str:
    """Return 24 hex digits over the paths and bytes of a payload; times do not enter."""
    return digest_of([[file.path, file.size, file.sha256] for file in files])


def damage(folder: Path, files: tuple[PayloadFile, ...], *, full: bool = False) -> str | None:
    """Return what is wrong with a payload in one phrase, or None.

    Sizes are always compared; bytes are hashed where a file's time changed, or everywhere if ``full``.
    """
    for file in files:
        path = folder / file.path
        if not path.is_file():
            return f"{file.path} is missing"
        stat = path.stat()
        if stat.st_size != file.size:
            return f"{file.path} has {stat.st_size} bytes, {file.size} were written"
        if (full or stat.st_mtime_ns != file.mtime_ns) and sha256_of(path) != file.sha256:
            return f"{file.path} has other bytes than were written"
    return None
