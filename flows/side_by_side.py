"""The same work on many files, several at a time, with progress; Ctrl-C ends it soon."""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from flows.progress import tally

THREADS = min(4, os.cpu_count() or 1)
"""Files that are read at the same time. More make a disk slower, not faster."""

T = TypeVar("T")


class _StoppedError(RuntimeError):
    """The work is wanted no longer."""


def side_by_side(
    doing: str,
    paths: Sequence[Path],
    work: Callable[[Path, Callable[[int], None]], T],
    *,
    sized: bool = False,
) -> dict[Path, T]:
    """Return the result of ``work`` for each path.

    Args:
        doing: what is done, for the progress.
        paths: the files.
        work: gets a path and a function that counts bytes; it ends soon after the command was interrupted.
        sized: whether bytes are counted too.
    """
    if not paths:
        return {}
    stopped = threading.Event()
    size = sum(path.stat().st_size for path in paths) if sized else 0
    pool = ThreadPoolExecutor(THREADS)
    with tally(doing, len(paths), size) as counted:

        def advance(read: int) -> None:
            if stopped.is_set():
                raise _StoppedError
            counted.advance(read)

        def one(path: Path) -> T:
            result = work(path, advance)
            counted.finish()
            return result

        try:
            return dict(zip(paths, pool.map(one, paths), strict=True))
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)
