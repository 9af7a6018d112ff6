"""Where the builds of a run go: to Prefect as task runs while it shows the run, else to plain calls."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from flows.engine.plain import run_plainly
from flows.engine.request import BuildRequest
from flows.engine.runners.base import Submit


def flow_run_id() -> str:
    """Return the id of the flow run that this is; empty outside of one."""
    if "prefect" not in sys.modules:
        return ""
    from prefect.context import FlowRunContext  # there already

    context = FlowRunContext.get()
    return str(context.flow_run.id) if context is not None and context.flow_run is not None else ""


@contextmanager
def shown_builds() -> Iterator[Submit]:
    """Give what runs a request: a Prefect task in a flow run whose server answers, a plain call elsewhere."""
    if not flow_run_id():
        yield run_plainly
        return
    from flows.engine.task import run_as_task  # imports Prefect, which is there already
    from flows.showing.shown_run import shown_run

    with shown_run() as watch:

        def submit(request: BuildRequest) -> BaseException | None:
            return run_plainly(request) if watch.away else run_as_task(request)

        yield submit
