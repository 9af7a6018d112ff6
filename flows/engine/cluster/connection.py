"""Connection: sends requests to the workers of one cluster, and says what has become of it."""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any

from distributed import Client, Future, KilledWorker

from flows.engine.cluster.errors import ClusterLostError
from flows.engine.cluster.likeness import Expected
from flows.engine.cluster.worker import DEVICE, Answer, Failure, Presence, build, look
from flows.engine.request import BuildRequest
from flows.engine.runners.base import NotMadeError
from flows.engine.stages import stage_named
from tasks.study.errors import UsageError
from tasks.study.study import Study

_log = logging.getLogger("veritile.cluster")
KEPT = "what is stored is kept; run the command again to go on"
_PERIOD_S, _GRACE_S, _LEAVE_S, _RESENT = 1.0, 30.0, 5.0, 5


class StumbledError(NotMadeError, OSError):
    """The file system stumbled while an artifact was built, so that it is worth trying again."""


class Connection:
    """One run's use of a cluster.

    Args:
        client: connected to the scheduler.
        study: the study.
        said: called in a thread of the client with what workers say.
    """

    def __init__(self, client: Client, study: Study, said: Callable[[Any], None]) -> None:
        self._client, self._study, self._said = client, study, said
        self._name = f"veritile-{os.urandom(8).hex()}"
        self._cluster = study.config.resources.joined
        self._closing = threading.Event()
        self._alive = time.monotonic()
        self._expected: Expected | None = None
        self._workers: tuple[float, Mapping[str, Any]] = (0.0, {})
        # A model of a study on a GPU never goes to a worker that may have none.
        self._declared = study.device != "cpu"
        self._models: set[Any] = set()

    def open(self) -> None:
        """Show the workers what the run is, and refuse those that differ from it.

        Raises:
            UsageError: naming the first worker that does, or there is none.
        """
        self._wait_for_a_worker()
        self._expected = Expected.of(self._study)
        presence = Presence(
            self._name,
            self._study,
            self._expected,
            logging.getLogger("veritile").getEffectiveLevel(),
            dict(self._study.config.resources.timeout_minutes),
            self._cluster.is_local,
        )
        self._client.subscribe_topic(self._name, lambda event: self._said(event[1]))
        for address, told in self._client.register_plugin(presence).items():
            if told["status"] != "OK":
                raise UsageError(_told(address, told.get("exception", told["status"])))
        answers = self._client.run(look, self._name, on_error="return")
        for address, answer in answers.items():
            if answer:
                raise UsageError(_told(address, answer))
        for address in answers:
            self._look_back(address)

    def close(self) -> None:
        """Let go of the cluster: what is under way ends at its next sign of progress."""
        self._closing.set()
        if not self._cluster.is_local and self._client.status == "running":
            # In a thread: a worker that does not answer may not keep the run from ending.
            leaving = threading.Thread(target=self._leave, daemon=True)
            leaving.start()
            leaving.join(_LEAVE_S)
        if self._expected is not None:
            self._expected.forget()

    def build(self, request: BuildRequest) -> None:
        """Have the request built by a worker, and wait for it.

        Raises:
            NotMadeError: some artifacts were not made, with the reason of each.
            ClusterLostError: the cluster is gone, or the worker differs from the run.
        """
        asks_models = stage_named(request.stage).asks_models
        for _ in range(_RESENT):
            future = self._send(request, asks_models=asks_models)
            if asks_models:
                self._models.add(future.key)
            try:
                answer = self._answer(future)
            except KilledWorker:
                # Whether it is tried again is decided by the attempts noted on disk, not by the scheduler.
                continue
            finally:
                self._models.discard(future.key)
                future.release()
            if answer.unlike:
                raise ClusterLostError(f"{answer.unlike}; {KEPT}")
            _raise(answer.failures)
            return
        raise ClusterLostError(f"every worker that got {request.label} was lost before it began; {KEPT}")

    def workers(self, *, with_device: bool = False) -> int:
        """Return how many workers there are now, or how many of them take models."""
        there = self._there()
        return self._taking_models(there) if with_device else len(there)

    def check(self) -> None:
        """Say whether the run can go on.

        Raises:
            ClusterLostError: the scheduler does not answer, or there was no worker for too long.
        """
        quiet, running = time.monotonic() - self._alive, self._client.status == "running"
        there = self._there() if running else {}
        if there and (not self._models or self._taking_models(there)):
            self._alive = time.monotonic()
        elif not running and quiet > _GRACE_S:
            raise ClusterLostError(f"the scheduler does not answer any more; {KEPT}")
        elif quiet > 60 * self._cluster.patience_minutes:
            which = " that takes models (dask worker --resources device=1)" if there else ""
            minutes = f"{self._cluster.patience_minutes:g} minutes"
            raise ClusterLostError(f"there was no worker{which} for {minutes}; {KEPT}")

    def _send(self, request: BuildRequest, *, asks_models: bool) -> Future[Any]:
        light = request.only(request.artifacts)
        light.bundled, light.study = request.bundled, None  # type: ignore[assignment]  # workers have it
        needs = {DEVICE: 1} if asks_models and self._declared else None
        key = f"{request.stage}-{os.urandom(8).hex()}"
        return self._client.submit(build, light, self._name, key=key, resources=needs, pure=False)

    def _answer(self, future: Future[Any]) -> Answer:
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        while True:
            while not future.done():
                done.wait(_PERIOD_S)
                done.clear()
                if self._closing.is_set():
                    raise ClusterLostError("the run has ended")
            if future.status in ("cancelled", "lost"):
                raise ClusterLostError(f"the scheduler does not answer any more; {KEPT}")
            try:
                answer = future.result(timeout=_GRACE_S)
            except TimeoutError:
                # Its worker was lost before the answer was fetched: another one is asked by the scheduler.
                continue
            except CancelledError:
                raise ClusterLostError(f"the scheduler does not answer any more; {KEPT}") from None
            assert isinstance(answer, Answer)
            return answer

    def _leave(self) -> None:
        with suppress(OSError, ValueError, RuntimeError):
            self._client.unregister_worker_plugin(self._name)

    def _wait_for_a_worker(self) -> None:
        minutes = self._cluster.patience_minutes
        try:
            self._client.wait_for_workers(1, timeout=60 * minutes)
        except TimeoutError:
            raise UsageError(f"the cluster has no worker, and none came in {minutes:g} minutes") from None

    def _there(self) -> Mapping[str, Any]:
        """Return the workers by address, as the scheduler named them; it is asked once per second at most."""
        when, there = self._workers
        if time.monotonic() - when > _PERIOD_S and self._client.status == "running":
            with suppress(OSError):
                there = self._client.scheduler_info()["workers"]
                self._workers = (time.monotonic(), there)
        return there

    def _taking_models(self, there: Mapping[str, Any]) -> int:
        """Return how many workers take models: all, until one declares a device."""
        having = sum(bool(each.get("resources", {}).get(DEVICE)) for each in there.values())
        self._declared = self._declared or having > 0
        return having if self._declared else len(there)

    def _look_back(self, address: str) -> None:
        """Refuse a worker whose answer below the home is not seen from here."""
        assert self._expected is not None
        name = str(self._there().get(address, {}).get("name", address))
        path, deadline = self._expected.answer_path(name), time.monotonic() + _GRACE_S
        # A shared folder may take a while to show what another machine wrote.
        while not path.is_file():
            if time.monotonic() > deadline:
                raise UsageError(
                    f"what worker {name} writes below the home {self._study.home} is not seen from here; "
                    "the home must be a folder that all workers share"
                )
            time.sleep(0.2)


def _told(address: str, answer: object) -> str:
    if isinstance(answer, str):
        return answer
    cause = getattr(answer, "data", answer)
    return f"the worker at {address} cannot run veritile ({cause!r}); install the same commit there"


def _raise(failures: tuple[Failure, ...]) -> None:
    """Raise what a worker told."""
    for failure in failures:
        _log.debug("%s", failure.trace)
    if failures:
        kind = StumbledError if any(failure.is_io for failure in failures) else NotMadeError
        raise kind({key: failure.sentence for failure in failures for key in failure.keys})
