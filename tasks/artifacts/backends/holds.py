"""What is in use of a cache, told to every process of the machine, so that none of it is evicted."""

import fcntl
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import IO

_scope: ContextVar[list[Callable[[], None]] | None] = ContextVar("_scope", default=None)


@contextmanager
def holding() -> Iterator[None]:
    """Let go at the end of what this thread fetched inside. Outside, it is held as long as the process."""
    releases: list[Callable[[], None]] = []
    token = _scope.set(releases)
    try:
        yield
    finally:
        _scope.reset(token)
        for release in releases:
            release()


def release_later(release: Callable[[], None]) -> None:
    """Call ``release`` at the end of the :func:`holding` block around; never, where there is none."""
    scope = _scope.get()
    if scope is not None:
        scope.append(release)


class Holds:
    """Entries that this process uses: a file of their names, which the kernel locks until the process ends.

    Args:
        folder: where the files of all processes lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._own: tuple[int, Path, IO[str]] | None = None

    def take(self, name: str) -> None:
        """Hold an entry once more."""
        with self._lock:
            self._counts[name] += 1
            if self._counts[name] == 1:
                self._tell(f"+{name}")

    def let_go(self, name: str) -> None:
        """Hold an entry once less."""
        with self._lock:
            self._counts[name] -= 1
            if self._counts[name] <= 0:
                del self._counts[name]
                self._tell(f"-{name}")

    def all(self) -> frozenset[str]:
        """Return what any living process holds; files of dead ones are deleted."""
        held: set[str] = set()
        for path in self._folder.glob("*.held"):
            if self._own is not None and path == self._own[1] and self._own[0] == os.getpid():
                held |= self._counts.keys()
                continue
            with suppress(FileNotFoundError), path.open("r", encoding="utf-8") as stream:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    held |= _still_held(stream.read())
                else:
                    path.unlink()
        return frozenset(held)

    def _tell(self, line: str) -> None:
        if self._own is None or self._own[0] != os.getpid():
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / f"{os.getpid()}.{os.urandom(4).hex()}.held"
            stream = path.open("x", encoding="utf-8")  # as long as the process
            fcntl.flock(stream, fcntl.LOCK_EX)
            self._own = os.getpid(), path, stream
        self._own[2].write(line + "\n")
        self._own[2].flush()


def _still_held(text: str) -> set[str]:
    held: set[str] = set()
    for line in text.splitlines():
        if line.startswith("+"):
            held.add(line[1:])
        else:
            held.discard(line[1:])
    return held
