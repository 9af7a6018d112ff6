"""From the home and the address of its store to the backend that keeps artifacts."""

import os
from functools import lru_cache
from pathlib import Path

from tasks.artifacts.backends.address import Address, read_address
from tasks.artifacts.backends.backend import Backend
from tasks.artifacts.backends.bucket import Bucket
from tasks.artifacts.backends.file_cache import FileCache
from tasks.artifacts.backends.folder import FolderBackend
from tasks.artifacts.backends.leases import BucketBoard, FolderBoard, Leases
from tasks.artifacts.backends.locks import FileLocks
from tasks.artifacts.backends.objects import ObjectBackend

_GB = 1e9


def backend_of(home: Path, address: str | None, cache_gb: float) -> Backend:
    """Return what keeps the artifacts of ``home``.

    Args:
        home: the folder of all state.
        address: of the store; None: the folder ``store`` of the home.
        cache_gb: what artifacts of an object store may take on the disk of the home.

    Raises:
        StoreAddressError: the address names no store.
    """
    locks = FileLocks(home / "work" / "locks")
    if address is None:
        return FolderBackend(home / "store", locks)
    read = read_address(address)
    if read.is_local:
        root = Path(read.path)
        return FolderBackend(root, Leases(FolderBoard(root / ".leases"), locks))
    return _object_backend(home.absolute(), read, cache_gb, os.getpid())


@lru_cache(maxsize=16)
def _object_backend(home: Path, address: Address, cache_gb: float, pid: int) -> ObjectBackend:
    """Return one backend per process and address: it remembers what it listed."""
    bucket = Bucket(address)
    locks = Leases(BucketBoard(bucket), FileLocks(home / "work" / "locks"))
    cache = FileCache(home / "cache" / "artifacts", cache_gb * _GB)
    return ObjectBackend(bucket, cache, home / "store" / ".drafts", locks)
