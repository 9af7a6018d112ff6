"""What a worker does: it notes that it begins, builds, and says what failed. The store says what is made."""

import contextlib
import ctypes
import faulthandler
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from distributed import Worker, WorkerPlugin, get_worker

from flows.engine.cluster.likeness import Expected, unlike
from flows.engine.cluster.said import forwarded
from flows.engine.events import Event, listening
from flows.engine.request import BuildRequest, RequestedArtifact, fulfil_here
from flows.environment import prepare
from tasks.artifacts.attempts import AttemptNotes
from tasks.artifacts.key import ArtifactKey
from tasks.study.study import Study

DEVICE = "device"
"""The resource of Dask that a worker declares if it takes models."""

_PR_SET_PDEATHSIG = 1


class WithdrawnError(Exception):
    """The run that asked for a build has ended."""


@dataclass(frozen=True)
class Failure:
    """Why artifacts were not made. It is plain text, as not every exception can be sent.

    Attributes:
        keys: the artifacts.
        sentence: what is told.
        is_io: whether the file system stumbled, so that it is worth trying again.
        trace: the traceback.
    """

    keys: tuple[ArtifactKey, ...]
    sentence: str
    is_io: bool
    trace: str


@dataclass(frozen=True)
class Answer:
    """What a worker says of a request: its failures, or why it is no worker of this run."""

    failures: tuple[Failure, ...] = ()
    unlike: str = ""


@dataclass
class Presence(WorkerPlugin):
    """What each worker holds of a run, sent once: the study, and what it must have in common with the run.

    Attributes:
        name: of the run, also the topic of what its workers say.
        study: the study, which requests leave out.
        expected: what every worker must have in common with the run.
        level: the level of log lines.
        minutes: how long one artifact may take, by stage.
        ends_with_parent: whether the process that started the worker is the run itself.
    """

    name: str
    study: Study
    expected: Expected
    level: int
    minutes: dict[str, float]
    ends_with_parent: bool = False
    withdrawn: bool = field(default=False, init=False)
    under_way: tuple[RequestedArtifact, ...] = field(default=(), init=False)
    _unlike: str | None = field(default=None, init=False)

    def setup(self, worker: Worker) -> None:
        """Set what must stand before the first build."""
        prepare(self.study.home)
        if self.ends_with_parent:
            _end_with_parent()

    def teardown(self, worker: Worker) -> None:
        """End what is under way: the run has ended, or this worker leaves in good order."""
        self.withdrawn = True
        notes = AttemptNotes(self.study.home)
        for artifact in self.under_way:
            # No fault of the artifact.
            notes.withdraw(artifact.spec)

    def unlike(self, worker: Worker) -> str:
        """Return what keeps this process from being a worker of the run; looked at once."""
        if self._unlike is None:
            self._unlike = unlike(
                self.expected,
                str(worker.name),
                worker.state.nthreads,
                takes_models=bool(worker.state.total_resources.get(DEVICE)),
            )
        return self._unlike

    def stop_if_withdrawn(self, _event: Event) -> None:
        """End a build of a run that has ended, at its next sign of progress."""
        if self.withdrawn:
            raise WithdrawnError("the run that asked for it has ended")


def look(name: str, dask_worker: Worker) -> str:
    """Return what keeps a worker from being one of the run; called on each before any work starts."""
    return _presence(name, dask_worker).unlike(dask_worker)


def build(request: BuildRequest, name: str) -> Answer:
    """Build what is requested; what is stored already is left.

    It may be called again after another worker was lost, or its answer was: the store decides what is left.
    """
    worker = get_worker()
    presence = _presence(name, worker)
    sentence = presence.unlike(worker)
    if sentence:
        return Answer(unlike=sentence)
    request.study = presence.study

    def send(said: Any) -> None:
        worker.log_event(name, said)

    failures: list[Failure] = []
    with forwarded(send, str(worker.name), presence.level), listening(presence.stop_if_withdrawn):
        for each in request.one_by_one():
            left = [artifact for artifact in each.artifacts if not _made_by(request, artifact)]
            if left:
                with _Told(left, failures), _noted(left, request, presence, str(worker.name)):
                    fulfil_here(each.only(left))
    return Answer(tuple(failures))


def _presence(name: str, worker: Worker) -> Presence:
    presence = worker.plugins[name]
    assert isinstance(presence, Presence)
    return presence


def _made_by(request: BuildRequest, artifact: RequestedArtifact) -> bool:
    """Say whether this very request has made the artifact already, before its worker was lost."""
    record = request.study.store.find(artifact.spec) if artifact.force else None
    return record is not None and record.attempt == request.attempt


@contextmanager
def _noted(
    left: Sequence[RequestedArtifact], request: BuildRequest, presence: Presence, worker: str
) -> Iterator[None]:
    """Note the attempt while the block runs, and end this process where the block takes too long."""
    notes, minutes = AttemptNotes(presence.study.home), presence.minutes.get(request.stage)
    notes.begin([artifact.spec for artifact in left], request.attempt, worker, minutes)
    presence.under_way = tuple(left)
    try:
        with _limited(notes, left[0], minutes):
            yield
    finally:
        presence.under_way = ()
        for artifact in left:
            notes.end(artifact.spec)


@contextmanager
def _limited(notes: AttemptNotes, first: RequestedArtifact, minutes: float | None) -> Iterator[None]:
    """End this process after so many minutes. Its threads need not cooperate: a thread in C watches."""
    if minutes is None:
        yield
        return
    with notes.trace(first.spec).open("w", encoding="utf-8") as trace:
        faulthandler.dump_traceback_later(60 * minutes, exit=True, file=trace)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


class _Told:
    """Turns an error of the block into a Failure, so that what comes after it is built all the same."""

    def __init__(self, left: Sequence[RequestedArtifact], failures: list[Failure]) -> None:
        self._keys, self._failures = tuple(artifact.key for artifact in left), failures

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Keep an error, unless it ends the process."""
        if not isinstance(error, Exception):
            return False
        sentence, whole = str(error) or type(error).__name__, "".join(traceback.format_exception(error))
        self._failures.append(Failure(self._keys, sentence, isinstance(error, OSError), whole))
        return True


def _end_with_parent() -> None:
    """Let the kernel end this process with the one that started it, even where a decoder holds the GIL."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    with contextlib.suppress(AttributeError):  # a C library without it
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
