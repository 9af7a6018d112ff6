"""Writing behind a loop, in one thread.

The thread that asks the model does neither: decoding tiles and compressing maps would keep a GPU waiting.
Neither thread computes with PyTorch, as each that does would bring OpenMP threads of its own.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self


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
