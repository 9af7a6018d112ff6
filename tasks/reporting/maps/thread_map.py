"""Threads for maps and files: NumPy, SciPy and image encoders release Python's lock while they work."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")


def thread_map(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Yield ``work(item)`` for every item, in order; the first error is raised."""
    with ThreadPoolExecutor(_threads(), thread_name_prefix="heatmaps") as pool:
        yield from pool.map(work, items)


class Writers:
    """Threads that write files while the caller continues to draw."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._pending: list[Future[None]] = []

    def submit(self, write: Callable[[], None]) -> None:
        """Queue a write. Waits while more than a few are pending, so that memory stays bounded."""
        self._pending.append(self._pool.submit(write))
        if len(self._pending) > 2 * _threads():
            self._pending.pop(0).result()

    def finish(self) -> None:
        """Wait for all writes; the first error is raised."""
        for future in self._pending:
            future.result()


@contextmanager
def writers() -> Iterator[Writers]:
    """Provide writers; all files are written when the block ends."""
    with ThreadPoolExecutor(_threads(), thread_name_prefix="heatmaps") as pool:
        queue = Writers(pool)
        yield queue
        queue.finish()


def _threads() -> int:
    """Return how many threads PyTorch may use."""
    return torch.get_num_threads()
