"""A bounded number of open slides, lent to one thread at a time.

A training reads tiles of a thousand slides in random order, and a process may hold about a thousand files.
So the slides used last stay open, and the others are closed.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

MOST_OPEN = 64
"""Idle slides that stay open in one process, each with one file or, through OpenSlide, a few."""


class Closable(Protocol):
    """What can be closed."""

    def close(self) -> None:
        """Close the file."""
        ...


class Opens(Hashable, Protocol):
    """How something is opened: equal ones may share what is open."""

    def open(self) -> Closable:
        """Open it."""
        ...


R = TypeVar("R", bound=Closable)


class OpenFiles(Generic[R]):
    """Readers by how they are opened. One reader serves one thread at a time.

    A child process that was forked begins with none: what its parent holds open stays with the parent.
    """

    def __init__(self, most: int = MOST_OPEN) -> None:
        self.most = most
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._idle: OrderedDict[int, tuple[Opens, R]] = OrderedDict()
        self._by_key: dict[Opens, list[int]] = {}
        self._lent = 0

    @contextmanager
    def lend(self, how: Opens) -> Iterator[R]:
        """Lend a reader of what ``how`` opens; it is open already where one is idle."""
        if self._pid != os.getpid():
            self._begin()
        reader = self._taken(how)
        if reader is None:
            reader = how.open()  # type: ignore[assignment]  # R is what these open
        assert reader is not None
        try:
            yield reader
        finally:
            self._returned(how, reader)

    def close(self) -> None:
        """Close every idle reader."""
        with self._lock:
            idle, self._idle, self._by_key = list(self._idle.values()), OrderedDict(), {}
        for _, reader in idle:
            reader.close()

    def __len__(self) -> int:
        return len(self._idle)

    def _taken(self, how: Opens) -> R | None:
        with self._lock:
            numbers = self._by_key.get(how)
            if not numbers:
                return None
            number = numbers.pop()
            if not numbers:
                del self._by_key[how]
            return self._idle.pop(number)[1]

    def _returned(self, how: Opens, reader: R) -> None:
        closed: R | None = None
        with self._lock:
            self._lent += 1
            self._idle[self._lent] = (how, reader)
            self._by_key.setdefault(how, []).append(self._lent)
            if len(self._idle) > self.most:
                number, (oldest, closed) = self._idle.popitem(last=False)
                self._by_key[oldest].remove(number)
                if not self._by_key[oldest]:
                    del self._by_key[oldest]
        if closed is not None:
            closed.close()
