"""FileCache: copies of files of an object store on this machine, of limited size."""

import fcntl
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tasks.artifacts.backends.holds import Holds, release_later
from tasks.artifacts.record import write_atomically

_log = logging.getLogger("veritile.store")
_GB = 1e9
_SPARE = 64 << 20
"""Bytes of the disk that no fetch takes."""


class CacheFullError(OSError):
    """The disk has no room for what is fetched."""


@dataclass(frozen=True)
class CacheEntry:
    """What is fetched and evicted as a whole.

    Attributes:
        name: of the entry.
        files: paths of its files, relative to the files of the cache.
        size: in bytes.
        version: changes with the bytes; a copy of another version is fetched again.
    """

    name: str
    files: tuple[str, ...]
    size: int
    version: str = ""

    @property
    def key(self) -> str:
        """The name as that of a file."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:32]


class FileCache:
    """Entries below one folder; of those that nobody holds, what was used last stays.

    An entry exists when its mark does, which is written last: a fetch that was killed is never taken for
    done. Several processes may use one cache. One of them fetches, and the others wait for it.

    Args:
        folder: where all of it lies.
        limit: bytes; more are taken only where everything is in use.
    """

    def __init__(self, folder: Path, limit: float) -> None:
        self.files, self.limit = folder / "files", limit
        self._folder, self._marks = folder, folder / "marks"
        self._holds = _holds_of(folder.absolute())
        self._said = False

    def fetch(
        self,
        entry: CacheEntry,
        fill: Callable[[Path], None],
        whole: Callable[[], bool] | None = None,
        *,
        scoped: bool = True,
    ) -> Callable[[], None]:
        """Have an entry in the cache, and hold it; return what lets go of it.

        Args:
            entry: what is wanted.
            fill: writes its files below the folder that it gets, and checks them.
            whole: says whether a copy that is there is good.
            scoped: let go of it at the end of the ``holding`` block around too, if there is one.

        Raises:
            CacheFullError: the disk has no room for it.
        """
        self._holds.take(entry.name)
        let_go = _once(lambda: self._holds.let_go(entry.name))
        with ExitStack() as undo:
            undo.callback(let_go)
            with self._locked(f"{entry.key}.fetch"):
                if not self._has(entry) or (whole is not None and not whole()):
                    self._fetch(entry, fill)
                os.utime(self._mark(entry.key))
            undo.pop_all()
        if scoped:
            release_later(let_go)
        return let_go

    def size(self) -> int:
        """Return the bytes of all entries."""
        return sum(size for _, _, size, _ in self._entries())

    def _has(self, entry: CacheEntry) -> bool:
        try:
            mark = json.loads(self._mark(entry.key).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return False
        return bool(mark["version"] == entry.version) and all((self.files / f).is_file() for f in entry.files)

    def _fetch(self, entry: CacheEntry, fill: Callable[[Path], None]) -> None:
        draft = self._folder / "drafts" / entry.key
        # What a killed fetch left; nobody else fetches this entry now.
        shutil.rmtree(draft, ignore_errors=True)
        draft.with_suffix(".json").unlink(missing_ok=True)
        with self._locked("room"):
            self._make_room(entry)
            draft.mkdir(parents=True)
            write_atomically(draft.with_suffix(".json"), json.dumps({"size": entry.size}))
        try:
            fill(draft)
            for name in entry.files:
                target = self.files / name
                target.parent.mkdir(parents=True, exist_ok=True)
                (draft / name).replace(target)
            told = {"name": entry.name, "files": entry.files, "size": entry.size, "version": entry.version}
            self._marks.mkdir(parents=True, exist_ok=True)
            write_atomically(self._mark(entry.key), json.dumps(told))
        finally:
            shutil.rmtree(draft, ignore_errors=True)
            draft.with_suffix(".json").unlink(missing_ok=True)

    def _make_room(self, wanted: CacheEntry) -> None:
        """Evict what was not used for longest, until the entry fits into the limit and on the disk."""
        self._mark(wanted.key).unlink(missing_ok=True)
        entries, held = sorted(self._entries()), self._holds.all()
        taken = sum(size for _, _, size, _ in entries) + self._under_way()
        self._folder.mkdir(parents=True, exist_ok=True)
        for _, mark, size, name in entries:
            if taken + wanted.size <= self.limit and self._free() >= wanted.size + _SPARE:
                return
            if name not in held:
                self._evict(mark)
                taken -= size
        if self._free() < wanted.size + _SPARE:
            raise CacheFullError(
                f"{wanted.name} has {wanted.size / _GB:.2f} GB and the disk of {self._folder} has "
                f"{self._free() / _GB:.2f} GB free; put the home on a larger disk (--home)"
            )
        if taken + wanted.size > self.limit and not self._said:
            self._said = True
            _log.warning(
                "the cache takes %.3g GB although %.3g are allowed: %s is needed beside what is in use",
                (taken + wanted.size) / _GB,
                self.limit / _GB,
                wanted.name,
            )

    def _evict(self, mark: Path) -> None:
        files = json.loads(mark.read_text(encoding="utf-8"))["files"]
        # The mark first: without it nothing is there.
        mark.unlink()
        for name in files:
            path = self.files / name
            path.unlink(missing_ok=True)
            for folder in path.relative_to(self.files).parents[:-1]:
                with suppress(OSError):
                    # Not empty: another entry has files in it.
                    (self.files / folder).rmdir()

    def _entries(self) -> Iterator[tuple[float, Path, int, str]]:
        """Yield (time of use, mark, size, name) of every entry."""
        for mark in self._marks.glob("*.json"):
            try:
                told = json.loads(mark.read_text(encoding="utf-8"))
                yield mark.stat().st_mtime, mark, int(told["size"]), str(told["name"])
            except FileNotFoundError:
                continue

    def _under_way(self) -> int:
        """Return the bytes that other fetches will take; what killed ones left is deleted."""
        total = 0
        for told in (self._folder / "drafts").glob("*.json"):
            with (self._folder / "locks" / f"{told.stem}.fetch").open("w") as stream:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    with suppress(FileNotFoundError, ValueError):
                        total += int(json.loads(told.read_text(encoding="utf-8"))["size"])
                else:
                    shutil.rmtree(told.with_suffix(""), ignore_errors=True)
                    told.unlink(missing_ok=True)
        return total

    def _free(self) -> int:
        return shutil.disk_usage(self._folder).free

    def _mark(self, key: str) -> Path:
        return self._marks / f"{key}.json"

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        folder = self._folder / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield


@cache
def _holds_of(folder: Path) -> Holds:
    """Return what this process holds of one cache, however often the cache is opened."""
    return Holds(folder / "holds")


def _once(work: Callable[[], None]) -> Callable[[], None]:
    waiting = [work]

    def run() -> None:
        if waiting:
            waiting.pop()()

    return run
