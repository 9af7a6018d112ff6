"""The flow run that shows a study: it says whose process it is, and is left alone with its server away."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.context import FlowRunContext, TagsContext
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled

from flows.interrupts import INTERRUPTION, on_interrupt
from flows.showing.stale import PREFIX, close_stale_runs, connected, process_tag
from flows.showing.unsent import drop_the_rest
from flows.showing.watch import ServerWatch

_log = logging.getLogger("veritile.study")

_SOON = httpx.Timeout(10.0)


class ServerAwayError(httpx.TransportError):
    """The server of the run is known to be away, so it is not asked."""


@contextmanager
def shown_run() -> Iterator[ServerWatch]:
    """Watch the server of the flow run that this is, while the block runs."""
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    client, run, url = context.client, context.flow_run.id, str(context.client.api_url).rstrip("/")
    assert isinstance(client, SyncPrefectClient)
    INTERRUPTION.take_over()  # the flow engine takes SIGTERM for itself
    watch = ServerWatch(url)
    try:
        _bear_process(client, run)
        for stale in close_stale_runs(url):
            _log.info("%s; it is closed as crashed", stale.sentence)
    except (httpx.HTTPError, ObjectNotFound):
        watch.look()

    def cancel() -> None:
        _leave_alone(client)
        _cancel(url, run)

    try:
        with on_interrupt(cancel), _bare_parts(), watch:
            yield watch
    finally:
        client._client.timeout = _SOON  # what it still says must not keep the results waiting
        if watch.away:
            _leave_alone(client)
            drop_the_rest()


def _bear_process(client: SyncPrefectClient, run: UUID) -> None:
    """Let the run say which process runs it now; one that was started from here says it already."""
    # Asked of the server: what the run was given since it began is not in its own context.
    now = client.read_flow_run(run).tags
    wanted = [*(tag for tag in now if not tag.startswith(PREFIX)), process_tag()]
    if set(wanted) != set(now):
        client.update_flow_run(run, tags=wanted)


def _bare_parts() -> TagsContext:
    """Return a context in which task runs do not repeat the process."""
    return TagsContext(current_tags=TagsContext.get().current_tags - {process_tag()})


def _leave_alone(client: SyncPrefectClient) -> None:
    """Let whatever asks the server through ``client`` fail at once."""
    client._client.event_hooks = {"request": [_refuse]}


def _refuse(request: httpx.Request) -> None:
    raise ServerAwayError("Prefect is away", request=request)


def _cancel(url: str, run: UUID) -> None:
    with suppress(httpx.HTTPError, ObjectNotFound), connected(url, patience=3) as client:
        client.set_flow_run_state(run, Cancelled(message="interrupted by a signal"), force=True)
