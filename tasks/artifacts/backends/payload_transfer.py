"""Payloads up to an object store and down again, checked by size and digest both ways."""

import hashlib
import os
from pathlib import Path

from tasks.artifacts.backends.bucket import PIECE_BYTES, Bucket, StoredObject
from tasks.artifacts.backends.errors import StoreError
from tasks.artifacts.payload import PayloadFile, sha256_of
from tasks.artifacts.record import ArtifactRecord

_MOST_PIECES = 10_000
"""An object of more parts is uploaded in larger ones, so its tag cannot be told beforehand."""


def upload_payload(bucket: Bucket, draft: Path, prefix: str, record: ArtifactRecord) -> None:
    """Put every file of a written payload that is not there yet, and check that all are there as written.

    Raises:
        StoreError: the store holds other bytes than were sent, twice.
    """
    wanted = {f"{prefix}/{file.path}": file for file in record.files}
    for _ in range(2):
        there = bucket.list(prefix)
        missing = [
            name
            for name, file in wanted.items()
            if not _is_whole(bucket, name, there.get(name), draft / file.path, file)
        ]
        if not missing:
            return
        bucket.upload({name: draft / wanted[name].path for name in missing})
    there = bucket.list(prefix)
    for name in missing:
        file = wanted[name]
        if not _is_whole(bucket, name, there.get(name), draft / file.path, file):
            raise StoreError(f"{bucket.address} holds other bytes of {file.path} than were sent; try again")


def download_payload(bucket: Bucket, prefix: str, record: ArtifactRecord, folder: Path) -> None:
    """Write every file of a payload below ``folder``, with its bytes and time as written.

    Raises:
        StoreError: one is not there, or has other bytes than its record says, twice.
    """
    wanted = list(record.files)
    for _ in range(2):
        bucket.download({f"{prefix}/{file.path}": folder / file.path for file in wanted})
        wanted = [file for file in wanted if not _arrived(folder / file.path, file)]
        if not wanted:
            return
    raise StoreError(
        f"{bucket.address} holds other bytes of {prefix}/{wanted[0].path} than were written; "
        "run its stage again"
    )


def wrong_with(record: ArtifactRecord, prefix: str, there: dict[str, StoredObject]) -> str:
    """Return what is wrong with a payload by its listing; empty where nothing is."""
    for file in record.files:
        own = there.get(f"{prefix}/{file.path}")
        if own is None:
            return f"{file.path} is missing"
        if own.size != file.size:
            return f"{file.path} has {own.size} bytes, {file.size} were written"
    return ""


def _arrived(path: Path, file: PayloadFile) -> bool:
    if path.stat().st_size != file.size or sha256_of(path) != file.sha256:
        return False
    # So that a later look need not hash it again.
    os.utime(path, ns=(file.mtime_ns, file.mtime_ns))
    return True


def _is_whole(bucket: Bucket, name: str, there: StoredObject | None, path: Path, file: PayloadFile) -> bool:
    """Say whether an object has the bytes of ``path``: by its tag where that tells, else by reading it."""
    if there is None or there.size != file.size:
        return False
    if there.tag.strip('"') == _expected_tag(path, file.size):
        return True
    return bucket.sha256(name) == file.sha256


def _expected_tag(path: Path, size: int) -> str:
    """Return the ETag that S3 gives to plain uploads: the MD5 of the bytes, or of the MD5s of its parts."""
    if size >= PIECE_BYTES * _MOST_PIECES:
        return ""
    whole, parts = size < 2 * PIECE_BYTES, []
    with path.open("rb") as stream:
        while piece := stream.read(PIECE_BYTES * 2 if whole else PIECE_BYTES):
            parts.append(hashlib.md5(piece, usedforsecurity=False))
    if whole:
        return parts[0].hexdigest() if parts else hashlib.md5(b"", usedforsecurity=False).hexdigest()
    of_parts = hashlib.md5(b"".join(part.digest() for part in parts), usedforsecurity=False)
    return f"{of_parts.hexdigest()}-{len(parts)}"
