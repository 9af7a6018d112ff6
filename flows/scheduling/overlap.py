"""One run of a deployment at a time; what comes due meanwhile waits once, and not without end.

Prefect's own limit of a deployment (``ENQUEUE``) queues every run that comes due, and ends a run whose lease
it cannot renew, as while the server is away. So the runs see to it themselves, by a lock that the kernel
releases when a process dies.
"""

import fcntl
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import PrefectException
from prefect.states import Cancelled

_log = logging.getLogger("veritile.schedule")

SUPERSEDED = "Superseded"
"""The state of a run that gave way to one that does the same work."""

_LOOK_S = 60.0
_POLL_S = 1.0


class SupersededError(Exception):
    """Another run waits already, and will do the same."""


@contextmanager
def one_at_a_time(folder: Path, name: str, *, again: bool) -> Iterator[None]:
    """Wait until no other run of ``name`` is under way, and keep others waiting while the block runs.

    Args:
        folder: where the locks lie.
        name: whose runs they are.
        again: the run repeats what another waiting one will do, so that it need not wait beside it.

    Raises:
        SupersededError: ``again``, and such a run waits already.
    """
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            running = held.enter_context((folder / f"{name}.running").open("ab"))
            waiting = held.enter_context((folder / f"{name}.waiting").open("ab"))
        except OSError as error:
            # The study says what a home that cannot be written means.
            _log.warning("runs of %s are not kept apart: %s", name, error)
            yield
            return
        if not _taken(running):
            if again and not _taken(waiting):
                raise SupersededError("a run that came due earlier waits already, and will do the same")
            _log.info("an earlier run of %s is under way; this one waits for it", name)
            while not _taken(running):
                time.sleep(_POLL_S)
            fcntl.flock(waiting, fcntl.LOCK_UN)
        yield


def _taken(stream: Any) -> bool:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def queue_kept_short(deployment: UUID, run: UUID) -> Iterator[None]:
    """Cancel scheduled runs that came due before this one began; while it runs, let one wait at most."""
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(_LOOK_S):
            _asked(lambda client: _thin(client, deployment, run, keep=1))

    _asked(lambda client: _thin(client, deployment, run, keep=0))
    watcher = threading.Thread(target=copy_context().run, args=(watch,), name="veritile-queue", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()


def _asked(question: Callable[[SyncPrefectClient], None]) -> None:
    """Ask the server; a queue that stays longer is no reason to end a study."""
    try:
        with get_client(sync_client=True) as client:
            question(client)
    except (httpx.HTTPError, PrefectException, RuntimeError) as error:
        _log.warning("runs that wait could not be looked at: %s", str(error).partition("\n")[0])


def _thin(client: SyncPrefectClient, deployment: UUID, run: UUID, keep: int) -> None:
    own = client.read_flow_run(run)
    waiting = client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
            expected_start_time=FlowRunFilterExpectedStartTime(before_=datetime.now(UTC)),
        ),
        sort=FlowRunSort.EXPECTED_START_TIME_ASC,
    )
    for old, why in superseded(waiting, own, keep):
        client.set_flow_run_state(old.id, Cancelled(name=SUPERSEDED, message=why))
        _log.info("cancelled run %s, which came due at %s: %s", old.name, old.expected_start_time, why)


def superseded(waiting: Sequence[FlowRun], own: FlowRun, keep: int) -> list[tuple[FlowRun, str]]:
    """Return the runs that need not happen, each with the reason.

    Runs that a person asked for stay. Of those that a schedule made, runs with equal parameters do the same.

    Args:
        waiting: runs that are due, by the time at which they came due.
        own: the run that is under way.
        keep: how many may wait that do the same as ``own``; of others one may.
    """
    groups: dict[str, list[FlowRun]] = {}
    for run in waiting:
        if run.auto_scheduled and run.id != own.id:
            groups.setdefault(_work(run), []).append(run)
    began = f"run {own.name} began after this one came due, and does the same"
    later = f"run {own.name} is still under way, and a run that came due later waits to do the same"
    kept = {work: keep if work == _work(own) else 1 for work in groups}
    return [
        (run, later if kept[work] else began)
        for work, runs in groups.items()
        for run in runs[: max(0, len(runs) - kept[work])]
    ]


def _work(run: FlowRun) -> str:
    return json.dumps(run.parameters, sort_keys=True, default=str)
