"""Mirror: a data root in an object store, and the folder of this machine that holds copies of its files.

Everything else goes on with paths of that folder. A file is fetched before it is read, with all files of its
slide, and held in the cache while it is open.
"""

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath

from tasks.artifacts.backends.address import Address, read_address
from tasks.artifacts.backends.bucket import Bucket, StoredObject
from tasks.artifacts.backends.errors import StoreAddressError, StoreError
from tasks.artifacts.backends.file_cache import CacheEntry, FileCache
from tasks.artifacts.record import write_atomically
from tasks.slides.present import is_present
from tasks.slides.tile_lists.tile_list import is_tile_list, read_tile_list

_GB = 1e9
_ORIGIN = "origin.json"
_LISTED_S = 60.0
"""Seconds for which the listing of a folder is good."""
_BESIDE = (".vms", ".vmu", ".dcm")
"""Formats whose slides are several files of one folder."""


class Mirror:
    """Files below one URL.

    Args:
        address: the data root.
        folder: where copies and their bookkeeping lie.
        limit: bytes that copies may take.
    """

    def __init__(self, address: Address, folder: Path, limit: float) -> None:
        self.address = address
        self._bucket, self._cache = Bucket(address), FileCache(folder, limit)
        self._listed: dict[str, tuple[float, dict[str, StoredObject | None]]] = {}

    @property
    def files(self) -> Path:
        """The data root as the rest of the code sees it: a folder of this machine."""
        return self._cache.files

    @property
    def room(self) -> int:
        """The bytes that copies take now; all of it can be freed."""
        return self._cache.size()

    def stored(self, path: Path) -> StoredObject | None:
        """Return what the store says of a file, or None where there is none."""
        name = self.name(path)
        folder, _, own = name.rpartition("/")
        return self._in(folder).get(own)

    def name(self, path: Path) -> str:
        """Return the name of a file below the data root."""
        return path.relative_to(self.files).as_posix()

    def head(self, path: Path, count: int) -> bytes:
        """Return the first bytes of a file, which is not fetched for it."""
        return self._bucket.read(self.name(path), 0, count) or b""

    def group(self, path: Path) -> dict[str, StoredObject]:
        """Return the objects that are fetched with a file, by name: all files of its slide."""
        name = self.name(path)
        folder = name.rpartition("/")[0]
        kind = path.suffix.lower()
        own = self.stored(path)
        group = {} if own is None else {name: own}
        if kind == ".mrxs":
            inside = name[: -len(kind)]
            return group | {f"{inside}/{n}": each for n, each in self._in(inside).items() if each is not None}
        if kind in _BESIDE:
            beside = {f"{folder}/{n}" if folder else n: each for n, each in self._in(folder).items()}
            return group | {n: each for n, each in beside.items() if each is not None}
        if own is not None and is_tile_list(path):
            return group | self._images_of(path, own)
        return group

    def identity(self, path: Path) -> str:
        """Return what a slide is known by: names, sizes, tags and times of all its objects."""
        told = [f"{n}|{o.size}|{o.tag}|{o.time}" for n, o in sorted(self.group(path).items())]
        return hashlib.sha256("\n".join([str(self.address), *told]).encode()).hexdigest()

    def size(self, path: Path) -> int:
        """Return the bytes of a slide with all its files."""
        return sum(each.size for each in self.group(path).values())

    def fetch(self, path: Path) -> Callable[[], None]:
        """Fetch a file with what belongs to it, and hold it until the returned function is called.

        Raises:
            StoreError: it is not there, or arrived with other bytes.
            CacheFullError: the disk has no room for it.
        """
        group = self.group(path)
        if not group:
            raise StoreError(f"{self.address} holds no {self.name(path)}")
        return self._fetched(self.name(path), group)

    def _fetched(self, name: str, group: dict[str, StoredObject]) -> Callable[[], None]:
        told = "\n".join(f"{n}|{each.size}|{each.tag}" for n, each in sorted(group.items()))
        version = hashlib.sha256(told.encode()).hexdigest()
        entry = CacheEntry(name, tuple(group), sum(each.size for each in group.values()), version)

        def fill(draft: Path) -> None:
            self._bucket.download({n: draft / n for n in group})
            for n, each in group.items():
                if (draft / n).stat().st_size != each.size:
                    raise StoreError(f"{self.address} sent {n} cut short, or it was replaced meanwhile")

        return self._cache.fetch(entry, fill, scoped=False)

    def _images_of(self, path: Path, own: StoredObject) -> dict[str, StoredObject]:
        let_go = self._fetched(f"{self.name(path)} (the list)", {self.name(path): own})
        try:
            images = read_tile_list(path).images
        finally:
            let_go()
        wanted = {path.parent / _file_of(image) for image in images}
        there = {self.name(file): self.stored(file) for file in sorted(wanted)}
        return {name: each for name, each in there.items() if each is not None}

    def _in(self, folder: str) -> dict[str, StoredObject | None]:
        asked, listed = self._listed.get(folder, (0.0, {}))
        if not asked or time.monotonic() - asked > _LISTED_S:
            asked, listed = time.monotonic(), self._bucket.names_in(folder)
            self._listed[folder] = asked, listed
        return listed


def _file_of(image: str) -> PurePosixPath:
    """Return the file that an image of a tile list lies in: itself, or an archive."""
    parts = PurePosixPath(image).parts
    archives = [n for n, part in enumerate(parts[:-1], start=1) if part.lower().endswith(".zip")]
    return PurePosixPath(*parts[: archives[0]]) if archives else PurePosixPath(image)


def mirror_for(url: str, home: Path, limit_gb: float) -> Mirror:
    """Return the mirror of a data root in a home, and note in it what it mirrors.

    Raises:
        StoreAddressError: the URL holds a secret or names nothing.
    """
    address = read_address(url)
    if address.is_local:
        raise StoreAddressError(f"{url} is a folder; name it as one: {address.path}")
    number = hashlib.sha256(str(address).encode()).hexdigest()[:16]
    folder = home / "cache" / "slides" / number
    (folder / "files").mkdir(parents=True, exist_ok=True)
    write_atomically(folder / _ORIGIN, json.dumps({"url": str(address), "limit": limit_gb * _GB}))
    return _opened(folder, os.getpid())


def mirror_of(path: Path) -> Mirror | None:
    """Return the mirror that a path lies in, in any process of this machine; None for files of a disk."""
    folder = _folder_of(str(path.parent) if path.name != "files" else str(path))
    return None if folder is None else _opened(folder, os.getpid())


@contextmanager
def on_disk(paths: Iterable[Path]) -> Iterator[None]:
    """Have files on the disk of this machine while they are read; files of a disk are left alone."""
    with ExitStack() as held:
        for path in paths:
            mirror = mirror_of(path)
            if mirror is not None:
                held.callback(mirror.fetch(path))
        yield


def size_of(path: Path) -> int | None:
    """Return the bytes of a file, fetched or not; None where there is none."""
    mirror = mirror_of(path)
    if mirror is None:
        return path.stat().st_size if is_present(path) else None
    stored = mirror.stored(path)
    return None if stored is None else stored.size


_IN_A_CACHE = re.compile(r"(.*/cache/slides/[0-9a-f]{16})/files(?:/.*)?")


@lru_cache(maxsize=4096)
def _folder_of(parent: str) -> Path | None:
    match = _IN_A_CACHE.fullmatch(parent)
    return Path(match[1]) if match is not None and Path(match[1], _ORIGIN).is_file() else None


@lru_cache(maxsize=16)
def _opened(folder: Path, pid: int) -> Mirror:
    told = json.loads((folder / _ORIGIN).read_text(encoding="utf-8"))
    return Mirror(read_address(told["url"]), folder, float(told["limit"]))
