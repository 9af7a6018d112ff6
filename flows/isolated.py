"""The same work in several processes. One that dies takes only its own job with it."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

from tasks.artifacts.with_parent import end_with_parent

K = TypeVar("K")
J = TypeVar("J")
R = TypeVar("R")

Answer = tuple[K, R | None, str]
"""The key of a job, its result, and why there is none."""

DIED = "the process that read it died, as after an error in a decoder or for lack of memory"


def isolated(work: Callable[[J], R], jobs: Mapping[K, J], processes: int) -> Iterator[Answer[K, R]]:
    """Yield the answer to each job as it comes.

    Where a process dies, the jobs that were under way are asked again, each in a process of its own, so that
    the one that kills its process is told and the others are answered.

    Args:
        work: a function of a module, as other processes import it.
        jobs: what it is given, by key.
        processes: how many work at the same time.
    """
    waiting = list(jobs)
    while waiting:
        under_way: dict[Future[R], K] = {}
        with _pool(processes) as pool:
            try:
                while waiting or under_way:
                    while waiting and len(under_way) < processes:
                        under_way[pool.submit(work, jobs[waiting[0]])] = waiting[0]
                        waiting.pop(0)
                    done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                    for future in done:
                        answer = _answer(under_way[future], future)
                        del under_way[future]
                        yield answer
            except BrokenProcessPool:
                pool.shutdown(wait=False, cancel_futures=True)
        for key in under_way.values():
            yield _alone(work, key, jobs[key])


def _pool(processes: int) -> ProcessPoolExecutor:
    # Not forked: a copy of a process with threads may wait for ever.
    return ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=end_with_parent)


def _alone(work: Callable[[J], R], key: K, job: J) -> Answer[K, R]:
    with _pool(1) as pool:
        try:
            return _answer(key, pool.submit(work, job))
        except BrokenProcessPool:
            return key, None, DIED


def _answer(key: K, future: Future[R]) -> Answer[K, R]:
    error = future.exception()
    if isinstance(error, BrokenProcessPool):
        raise error
    if error is not None:
        return key, None, f"{type(error).__name__}: {error}"
    return key, future.result(), ""
