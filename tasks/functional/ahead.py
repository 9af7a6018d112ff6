"""Reading ahead: what comes next is read by other threads while the caller works on what it has."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def read_ahead(read: Callable[[T], R], parts: Iterable[T], readers: int = 1) -> Generator[R]:
    """Yield ``read(part)`` for each part, in order, with up to ``readers`` parts read ahead.

    An error of ``read`` is raised where its result would have come. A caller that stops early waits for what
    is being read, and for no more.

    Example:
        >>> list(read_ahead(len, ["a", "bb", ""], readers=2))
        [1, 2, 0]
    """
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(max_workers=readers, thread_name_prefix="reader") as pool:
        try:
            for part in parts:
                waiting.append(pool.submit(read, part))
                if len(waiting) > readers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
