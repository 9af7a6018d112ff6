"""Run a study that is open: refuse what cannot run, make what is needed, tell the results at once."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from flows.engine.execute import execute
from flows.engine.outcome import Outcome, settle
from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions
from flows.open_files import raise_open_files
from flows.open_study import refuse_absent_devices, refuse_unfit_encoder, refuse_unfit_network
from flows.showing.parts import flow_run_id, shown_parts
from tasks.study.study import Study

_log = logging.getLogger("veritile.study")

Tell = Callable[[Outcome], None]
_tell: ContextVar[Tell | None] = ContextVar("tell", default=None)


@contextmanager
def told_at_once(tell: Tell) -> Iterator[None]:
    """Let ``tell`` be called with the outcome of a run in this block before anything waits for a server."""
    token = _tell.set(tell)
    try:
        yield
    finally:
        _tell.reset(token)


def run_opened(
    opened: Study,
    options: RerunOptions,
    command: str = "",
    *,
    verify: bool = False,
    tags: Mapping[str, str] | None = None,
) -> Outcome:
    """Run every stage of the study that is needed; ``tags`` are noted by its recording.

    Inside a Prefect flow run whose server answers, each build is one of its task runs.
    """
    raise_open_files()  # a worker of a deployment starts here
    refuse_absent_devices(opened)
    for note in refuse_unfit_network(opened):
        _log.warning(note)
    refuse_unfit_encoder(opened)
    shown = {"prefect.flow_run_id": run} if (run := flow_run_id()) else {}
    known = {**shown, "command": command, **(tags or {})}
    with shown_parts() as submit:
        outcome = settle(execute(Plan(opened), options, submit, known, full=verify))
        tell = _tell.get()
        if tell is not None:
            tell(outcome)
    return outcome
