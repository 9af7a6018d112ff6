"""Flow runs that are RUNNING in Prefect although their process has ended: found, and closed with a word.

Each flow run of a study bears a tag that says which process runs it. A run of another host, of another
container, of a living process, or without such a tag is never touched.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Crashed

from tasks.artifacts.process_identity import ProcessIdentity, this_process

PREFIX = "process:"
UNDER_WAY = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
_PAGE = 200


@dataclass(frozen=True)
class StaleRun:
    """A flow run whose process has ended without closing it."""

    id: UUID
    name: str
    process: ProcessIdentity

    @property
    def sentence(self) -> str:
        """What is told of it."""
        return f"Prefect run {self.name} was left by process {self.process.pid}, which has ended"


def process_tag() -> str:
    """Return the tag of flow runs of this process."""
    return PREFIX + this_process().text


def find_stale_runs(url: str) -> tuple[StaleRun, ...]:
    """Return the flow runs under way at the API ``url`` whose process on this host has certainly ended.

    Raises:
        httpx.HTTPError: the server is away or refuses.
    """
    with connected(url) as client:
        return tuple(_found(client))


def close_stale_runs(url: str) -> tuple[StaleRun, ...]:
    """Set those runs, and their parts that are under way, to Crashed, and return the runs.

    Raises:
        httpx.HTTPError: the server is away or refuses.
    """
    with connected(url) as client:
        found = tuple(_found(client))
        for run in found:
            close_run(client, run.id, f"process {run.process.pid} ended without closing this run")
        return found


def close_run(client: SyncPrefectClient, run: UUID, why: str) -> None:
    """Set a flow run, and its parts that are under way, to Crashed."""
    states = TaskRunFilterState(type=TaskRunFilterStateType(any_=UNDER_WAY))
    of_it = FlowRunFilter(id=FlowRunFilterId(any_=[run]))
    parts = client.read_task_runs(flow_run_filter=of_it, task_run_filter=TaskRunFilter(state=states))
    for part in parts:
        client.set_task_run_state(part.id, Crashed(message=why), force=True)
    client.set_flow_run_state(run, Crashed(message=why), force=True)


@contextmanager
def connected(url: str, patience: float = 10.0) -> Iterator[SyncPrefectClient]:
    """Give a client that waits ``patience`` seconds for an answer of the server, and asks only once."""
    soon = {"timeout": httpx.Timeout(patience)}
    with (
        temporary_settings({PREFECT_API_URL: url, PREFECT_CLIENT_MAX_RETRIES: 0}),
        get_client(sync_client=True, httpx_settings=soon) as client,
    ):
        yield client


def _found(client: SyncPrefectClient) -> Iterator[StaleRun]:
    for run in _under_way(client):
        process = process_of(run)
        if process is not None and process.is_dead():
            yield StaleRun(run.id, run.name, process)


def _under_way(client: SyncPrefectClient) -> Iterator[FlowRun]:
    wanted = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=UNDER_WAY)))
    offset = 0
    while True:
        page = client.read_flow_runs(
            flow_run_filter=wanted, sort=FlowRunSort.ID_DESC, limit=_PAGE, offset=offset
        )
        yield from page
        if len(page) < _PAGE:
            return
        offset += _PAGE


def process_of(run: FlowRun) -> ProcessIdentity | None:
    """Return the process that runs ``run``; None where its tags tell none."""
    told = (ProcessIdentity.parse(tag.removeprefix(PREFIX)) for tag in run.tags if tag.startswith(PREFIX))
    return next((process for process in told if process is not None), None)
