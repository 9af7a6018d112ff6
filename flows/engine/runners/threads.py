"""Slides in threads, models on device slots, everything else in the flow's own thread.

With one device slot, models are asked in the flow's own thread. Every further thread that calls torch keeps
OpenMP threads of its own, and where these are more than the cores all of them sleep at every turn
(docs/benchmarks.md, "Threads and memory"). Matplotlib's text machinery is not safe in threads either.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from queue import SimpleQueue

from flows.engine.request import BuildRequest
from flows.engine.runners.base import Ended, Lane, Submit


class ThreadsRunner:
    """Runs requests side by side, as many as there are threads and device slots."""

    def __init__(
        self, submit: Submit, devices: Sequence[str], threads: ThreadPoolExecutor, workers: int
    ) -> None:
        self._submit, self._threads = submit, threads
        self._free = {"device": list(devices), "slides": [""] * workers}
        self._one_device = devices[0] if len(devices) == 1 else None
        self._ended: SimpleQueue[Ended] = SimpleQueue()
        self._running = 0

    def has_room(self, lane: Lane) -> bool:
        """Say whether the lane has a free slot; the flow's own thread is free whenever it asks."""
        return lane == "flow" or bool(self._free[lane])

    def start(self, request: BuildRequest, lane: Lane) -> bool:
        """Start the request in its lane."""
        self._running += 1
        if lane == "flow" or (lane == "device" and self._one_device):
            device = self._one_device or request.device
            self._ended.put(Ended(request, self._submit(request.on(device))))
            return True
        slot = self._free[lane].pop()
        if lane == "device":
            request.on(slot)
        context = copy_context()
        self._threads.submit(context.run, self._run, request, lane, slot)
        return False

    def wait(self) -> Ended:
        """Return a request that has ended; waits for one."""
        ended = self._ended.get()
        self._running -= 1
        return ended

    @property
    def busy(self) -> bool:
        """Whether any request has not been collected."""
        return self._running > 0

    def _run(self, request: BuildRequest, lane: Lane, slot: str) -> None:
        error: BaseException | None = RuntimeError("the build ended without a word")
        try:
            error = self._submit(request)
        finally:
            self._free[lane].append(slot)
            self._ended.put(Ended(request, error))


@contextmanager
def threads_runner(submit: Submit, devices: Sequence[str], workers: int) -> Iterator[ThreadsRunner]:
    """Give a runner with one thread per slide worker and device slot while the block runs."""
    with ThreadPoolExecutor(workers + len(devices), thread_name_prefix="veritile") as threads:
        yield ThreadsRunner(submit, devices, threads, workers)
