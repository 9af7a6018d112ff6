"""Bucket: one prefix of an object store, by the few requests that the rest needs."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tasks.artifacts.backends.address import Address
from tasks.artifacts.backends.complaints import Complaint, complaint_of, foreign_errors
from tasks.artifacts.backends.errors import StoreAddressError, StoreError

_S3 = ("s3", "s3a")
PIECE_BYTES = 50 << 20
"""Objects of twice this size and more are uploaded in parts of it."""

_CONNECT_S, _READ_S, _ATTEMPTS = 10.0, 60.0, 4
"""Seconds until a connection, or the next bytes of an answer, are given up; and how often both are tried."""

_CHUNK = 1 << 20
_TIMES = ("LastModified", "modified", "created", "mtime")
"""What file systems of fsspec call the time of writing."""


class StoredObject(NamedTuple):
    """What a listing says of an object.

    Attributes:
        size: in bytes.
        tag: changes whenever the bytes do; the ETag where there is one.
        time: when it was written by the clock of the store, in seconds since 1970.
    """

    size: int
    tag: str
    time: float


class Bucket:
    """Objects below one address. Names are relative to it; every error is a :class:`StoreError`.

    Args:
        address: such as ``s3://bucket/prefix``.
        hasty: give up early, as a first question should.

    Raises:
        StoreAddressError: nothing that is installed reads such addresses.
    """

    def __init__(self, address: Address, *, hasty: bool = False) -> None:
        self.address = address
        self._fs, self._root = _file_system(str(address), hasty)

    def read(self, name: str, start: int | None = None, end: int | None = None) -> bytes | None:
        """Return the bytes of an object, or some of them; None where there is none."""
        with self._told():
            try:
                data: bytes = self._fs.cat_file(self._at(name), start=start, end=end)
            except FileNotFoundError:
                return None
            return data

    def read_all(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return the bytes of many small objects, several at a time; those that are gone are left out."""
        if not names:
            return {}
        with self._told():
            read = self._fs.cat([self._at(name) for name in names], on_error="return")
        failed = [value for value in read.values() if isinstance(value, Exception)]
        for error in failed:
            if not isinstance(error, FileNotFoundError):
                with self._told():
                    raise error
        there = {name: read.get(self._at(name)) for name in names}
        return {name: data for name, data in there.items() if isinstance(data, bytes)}

    def create(self, name: str, data: bytes) -> bool:
        """Put an object that is not there yet; say whether it was put. One of two that try at once does."""
        return self._put(name, data, {"mode": "create"})

    def replace(self, name: str, data: bytes, tag: str) -> bool:
        """Put an object in exchange for the one of ``tag``; say whether that one was still there.

        Stores other than S3 cannot ask and put in one step, so there the tag is compared before.
        """
        if self.address.scheme in _S3:
            return self._put(name, data, {"IfMatch": tag})
        there = self.info(name)
        if there is None or there.tag != tag:
            return False
        return self._put(name, data, {})

    def overwrite(self, name: str, data: bytes) -> None:
        """Put an object, whatever is there."""
        self._put(name, data, {})

    def list(self, prefix: str) -> dict[str, StoredObject]:
        """Return the objects whose names begin with ``prefix``, a name and a slash, or the empty text."""
        with self._told():
            try:
                there = self._fs.find(self._at(prefix).rstrip("/"), detail=True)
            except FileNotFoundError as error:
                if complaint_of(error) is Complaint.NO_BUCKET:
                    raise
                return {}
        cut = len(self._root) + 1
        return {path[cut:]: _described(info) for path, info in sorted(there.items())}

    def names_in(self, folder: str) -> dict[str, StoredObject | None]:
        """Return what lies directly in a folder, by name: objects, and folders as None."""
        with self._told():
            try:
                there = self._fs.ls(self._at(folder).rstrip("/"), detail=True)
            except FileNotFoundError as error:
                if complaint_of(error) is Complaint.NO_BUCKET:
                    raise
                return {}
        own = self._at(folder).rstrip("/")
        inside = {info["name"].rstrip("/"): info for info in there}
        return {
            path.rpartition("/")[2]: None if info["type"] == "directory" else _described(info)
            for path, info in inside.items()
            if path != own
        }

    def info(self, name: str) -> StoredObject | None:
        """Return what is known of an object, or None."""
        with self._told():
            try:
                info = self._fs.info(self._at(name))
            except FileNotFoundError:
                return None
        return None if info["type"] == "directory" else _described(info)

    def upload(self, files: Mapping[str, Path]) -> None:
        """Put files as objects, several at a time."""
        names = list(files)
        with self._told():
            self._fs.put([str(files[n]) for n in names], [self._at(n) for n in names], **self._in_parts)

    def download(self, files: Mapping[str, Path]) -> None:
        """Write objects to files, several at a time.

        Raises:
            StoreError: one is not there.
        """
        names = list(files)
        for path in files.values():
            path.parent.mkdir(parents=True, exist_ok=True)
        with self._told():
            self._fs.get([self._at(name) for name in names], [str(files[name]) for name in names])

    def sha256(self, name: str) -> str:
        """Return the hex sha256 of the bytes of an object, which are read."""
        digest = hashlib.sha256()
        with self._told(), self._fs.open(self._at(name), "rb", block_size=_CHUNK * 8) as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
        return digest.hexdigest()

    def copy(self, name: str, target: str) -> None:
        """Copy an object within the store."""
        with self._told():
            self._fs.cp_file(self._at(name), self._at(target))

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects; one that is gone already is no error."""
        paths = [self._at(name) for name in names]
        if not paths:
            return
        with self._told():
            try:
                self._fs.rm(paths)
            except FileNotFoundError:
                for path in paths:
                    with suppress(FileNotFoundError):
                        self._fs.rm_file(path)

    @property
    def _in_parts(self) -> dict[str, Any]:
        return {"chunksize": PIECE_BYTES} if self.address.scheme in _S3 else {}

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _put(self, name: str, data: bytes, condition: Mapping[str, Any]) -> bool:
        with self._told():
            try:
                self._fs.pipe_file(self._at(name), data, **condition)
            except FileExistsError:
                return False
            except OSError as error:
                if complaint_of(error) is not Complaint.CONDITION:
                    raise
                return False
        return True

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn errors of the store into one sentence; those of this machine's disk stay what they are."""
        try:
            yield
        except StoreError:
            raise
        except foreign_errors() as error:
            complaint = complaint_of(error)
            if complaint is Complaint.LOCAL:
                raise
            raise StoreError(complaint.sentence(self.address, error)) from error


def _described(info: Mapping[str, Any]) -> StoredObject:
    time = next((info[key] for key in _TIMES if info.get(key)), None)
    seconds = time.timestamp() if isinstance(time, datetime) else float(time or 0)
    tag = str(info.get("ETag") or info.get("etag") or f"{info['size']}-{seconds}")
    return StoredObject(int(info["size"]), tag, seconds)


@cache
def _file_system(address: str, hasty: bool) -> tuple[Any, str]:
    """Return what fsspec reads such addresses with, and the address as it writes it."""
    import fsspec  # heavy: a store on disk does not need it
    from fsspec.config import conf

    scheme = address.partition("://")[0]
    settings: dict[str, Any] = {}
    if scheme in _S3:
        own = {
            "connect_timeout": _CONNECT_S / 2 if hasty else _CONNECT_S,
            "read_timeout": _READ_S / 4 if hasty else _READ_S,
            "retries": {"max_attempts": 1 if hasty else _ATTEMPTS, "mode": "standard"},
        }
        stated = dict(conf.get(scheme, {}).get("config_kwargs", {}))
        settings = {"config_kwargs": {**own, **stated}, "use_listings_cache": False}
    try:
        system = fsspec.filesystem(scheme, **settings)
    except (ImportError, ValueError) as error:
        extra = "; install veritile[objects]" if scheme in _S3 else ""
        raise StoreAddressError(f"{scheme}:// cannot be used: {error}{extra}") from error
    if scheme in _S3:
        system.retries = 1 if hasty else _ATTEMPTS
    return system, str(system._strip_protocol(address)).rstrip("/")
