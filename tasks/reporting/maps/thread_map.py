"""Maps made side by side: NumPy, SciPy and writers of pictures let go of Python's lock while they work."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")


def thread_map(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Yield ``work`` of every item, in their order; the first error is raised."""
    with ThreadPoolExecutor(_threads(), thread_name_prefix="heatmaps") as pool:
        yield from pool.map(work, items)


class Writers:
    """Threads that write what is handed to them while the caller goes on drawing."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._pending: list[Future[None]] = []

    def submit(self, write: Callable[[], None]) -> None:
        """Write soon; waits where more than a few are not written yet, so that memory stays bounded."""
        self._pending.append(self._pool.submit(write))
        if len(self._pending) > 2 * _threads():
            self._pending.pop(0).result()

    def finish(self) -> None:
        """Wait for all; the first error is raised."""
        for one in self._pending:
            one.result()


@contextmanager
def writers() -> Iterator[Writers]:
    """Give writers, all of whose work is done at the end."""
    with ThreadPoolExecutor(_threads(), thread_name_prefix="heatmaps") as pool:
        some = Writers(pool)
        yield some
        some.finish()


def _threads() -> int:
    """As many as PyTorch was told it may use."""
    return torch.get_num_threads()
