"""Reading ahead of a loop and writing behind it, each in one thread.

The thread that asks the model does neither: decoding tiles and compressing maps would keep a GPU waiting.
Neither thread computes with PyTorch, as each that does would bring OpenMP threads of its own.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")
R = TypeVar("R")

DEPTH = 2
"""Blocks that are read ahead of the one that is explained."""


def read_ahead(read: Callable[[T], R], items: Iterable[T], depth: int = DEPTH) -> Iterator[R]:
    """Yield ``read(item)`` of every item, in order; at most ``depth`` results wait.

    An error of ``read`` is raised where its result would be yielded. Close the generator to stop the thread.
    """
    pending: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
    try:
        for item in items:
            if len(pending) == depth:
                yield pending.popleft().result()
            pending.append(pool.submit(read, item))
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class WriteBehind:
    """One thread that writes what it is handed, in order; the next is prepared while one is written.

    Used in a ``with`` block, at whose end everything is written. An error of a write is raised by the next
    :meth:`put`, which then writes nothing, or at the end of the block. Where the block itself fails, what was
    put is still written, so that a later run need not make it again.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="write-behind")
        self._unfinished: Future[None] | None = None

    def put(self, write: Callable[[], None]) -> None:
        """Hand over ``write``; waits until the one before it is done."""
        if self._unfinished is not None:
            self._unfinished.result()
        self._unfinished = self._pool.submit(write)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True)
        if error is None and self._unfinished is not None:
            self._unfinished.result()
