"""Slides in threads, models on device slots, everything else in the flow's own thread.

With one device slot, models are asked in the flow's own thread. Every further thread that calls torch keeps
OpenMP threads of its own, and where these are more than the cores all of them sleep at every turn
(docs/benchmarks.md, "Threads and memory"). Matplotlib's text machinery is not safe in threads either.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from types import TracebackType

from flows.engine.request import BuildRequest
from flows.engine.runners.base import Ended, Lane, Submit
from flows.interrupts import BUILDERS

Result = Future[BaseException | None]
"""The error of a build, None where it raised none."""


class ThreadsRunner:
    """Runs requests side by side, as many as there are threads and device slots."""

    workers = 0

    def __init__(
        self, submit: Submit, devices: Sequence[str], threads: ThreadPoolExecutor, workers: int
    ) -> None:
        self._submit, self._threads = submit, threads
        self._free = {"device": list(devices), "slides": [""] * workers}
        self._one_device = devices[0] if len(devices) == 1 else None
        self._ended: SimpleQueue[tuple[BuildRequest, Result]] = SimpleQueue()
        self._running = 0

    def has_room(self, lane: Lane) -> bool:
        """Say whether the lane has a free slot; the flow's own thread is free whenever it asks."""
        return lane == "flow" or bool(self._free[lane])

    def start(self, request: BuildRequest, lane: Lane) -> bool:
        """Start the request in its lane."""
        if lane == "flow" or (lane == "device" and self._one_device):
            result: Result = Future()
            result.set_result(self._submit(request.on(self._one_device or request.device)))
            self._running += 1
            self._ended.put((request, result))
            return True
        slot = self._free[lane].pop()
        if lane == "device":
            request.on(slot)
        self._running += 1
        started = self._threads.submit(copy_context().run, self._submit, request)
        started.add_done_callback(partial(self._end, request, lane, slot))
        return False

    def wait(self) -> Ended:
        """Return a request that has ended; waits for one. What kept it from running at all is raised."""
        request, result = self._ended.get()
        self._running -= 1
        return Ended(request, result.result())

    @property
    def busy(self) -> bool:
        """Whether any request has not been collected."""
        return self._running > 0

    def _end(self, request: BuildRequest, lane: Lane, slot: str, result: Result) -> None:
        self._free[lane].append(slot)
        self._ended.put((request, result))


@contextmanager
def threads_runner(submit: Submit, devices: Sequence[str], workers: int) -> Iterator[ThreadsRunner]:
    """Give a runner with one thread per slide worker and device slot while the block runs."""
    threads = ThreadPoolExecutor(workers + len(devices), thread_name_prefix=BUILDERS)
    with ExitStack() as end:
        end.push(partial(_end_threads, threads))
        yield ThreadsRunner(submit, devices, threads, workers)


def _end_threads(
    threads: ThreadPoolExecutor,
    kind: type[BaseException] | None,
    error: BaseException | None,
    trace: TracebackType | None,
) -> None:
    """Wait for builds under way, unless the process is to end: then nothing waits for the slowest of them."""
    wanted = kind is None or issubclass(kind, Exception)
    threads.shutdown(wait=wanted, cancel_futures=not wanted)
