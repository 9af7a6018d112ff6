"""Builds on the workers of a cluster. Each stays one task run of this flow, in a thread that waits for it.

What concerns the study as a whole, such as the comparison, is built in the flow's own thread.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import Any

from flows.engine.cluster.connection import Connection
from flows.engine.cluster.errors import ClusterLostError
from flows.engine.cluster.joined import connected
from flows.engine.cluster.said import say_again
from flows.engine.request import BuildRequest, built_by
from flows.engine.runners.base import Ended, Lane, Submit
from tasks.study.study import Study

MOST = 512
"""No more requests than this are under way; each has a thread."""

_PERIOD_S = 1.0
Result = Future[BaseException | None]


class ClusterRunner:
    """Runs as many requests as the cluster has workers, and says here what they say there."""

    def __init__(
        self,
        submit: Submit,
        connection: Connection,
        threads: ThreadPoolExecutor,
        said: "SimpleQueue[Any]",
        device: str,
    ) -> None:
        self._submit, self._connection, self._threads = submit, connection, threads
        self._said, self._device = said, device
        self._running = {"device": 0, "other": 0}
        self._ended: list[Ended] = []

    @property
    def workers(self) -> int:
        """How many workers there are."""
        return max(1, self._connection.workers())

    def has_room(self, lane: Lane) -> bool:
        """Say whether a worker is free, for a model one that takes models."""
        running = sum(self._running.values())
        if not running:
            # Sent although there may be no worker at the moment: one comes, or the run says that none came.
            return not self._ended
        if running >= min(MOST, self._connection.workers()):
            return False
        return lane != "device" or self._running["device"] < self._connection.workers(with_device=True)

    def start(self, request: BuildRequest, lane: Lane) -> bool:
        """Send the request to a worker; one of the whole study is built here."""
        request.on(self._device)
        if not request.artifacts[0].key.coordinates:
            self._ended.append(Ended(request, self._submit(request)))
            return True
        kind = "device" if lane == "device" else "other"
        self._running[kind] += 1
        started = self._threads.submit(copy_context().run, self._send, request)
        started.add_done_callback(lambda result: self._said.put((request, kind, result)))
        return False

    def wait(self) -> Ended:
        """Return a request that has ended; meanwhile, pass on what workers say.

        Raises:
            ClusterLostError: the cluster is gone.
        """
        while not self._ended:
            try:
                heard = self._said.get(timeout=_PERIOD_S)
            except Empty:
                self._connection.check()
                continue
            if isinstance(heard, tuple):
                request, kind, result = heard
                self._running[kind] -= 1
                error = result.result()
                if isinstance(error, ClusterLostError):
                    raise error
                self._ended.append(Ended(request, error))
            else:
                say_again(heard)
        return self._ended.pop(0)

    @property
    def busy(self) -> bool:
        """Whether any request has not been collected."""
        return bool(self._ended) or any(self._running.values())

    def _send(self, request: BuildRequest) -> BaseException | None:
        with built_by(self._connection.build):
            return self._submit(request)


@contextmanager
def cluster_runner(study: Study, submit: Submit) -> Iterator[ClusterRunner]:
    """Give a runner on the study's cluster while the block runs.

    Raises:
        UsageError: the scheduler does not answer, or a worker differs from the run.
    """
    said: SimpleQueue[Any] = SimpleQueue()
    with (
        ThreadPoolExecutor(MOST, thread_name_prefix="veritile") as threads,
        connected(study, said.put) as link,
    ):
        yield ClusterRunner(submit, link, threads, said, study.device)
