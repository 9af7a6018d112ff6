"""From the home and the address of its store to the backend that keeps artifacts."""

from pathlib import Path

from tasks.artifacts.backends.address import read_address
from tasks.artifacts.backends.backend import Backend
from tasks.artifacts.backends.errors import StoreAddressError
from tasks.artifacts.backends.folder import FolderBackend
from tasks.artifacts.backends.locks import FileLocks


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
        return FolderBackend(Path(read.path), locks)
    raise StoreAddressError(f"{address!r} names no store that can be used")
