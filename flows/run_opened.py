"""Run a study that is open: refuse what cannot run, make what is needed, tell the results at once."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from flows.engine.execute import execute
from flows.engine.outcome import NotRecordedError, Outcome, settle
from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions
from flows.first_look import first_look
from flows.live_page import live_page
from flows.open_files import raise_open_files
from flows.open_study import refuse_absent_devices, refuse_unfit_encoder, refuse_unfit_network
from flows.origin import run_tags
from flows.preflight import warn_or_refuse
from flows.run_log import RunLog
from flows.showing.builds import flow_run_id, shown_builds
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

    Raises:
        NotRecordedError: MLflow does not have the study; all else came out and is told.
    """
    with RunLog(opened.home, opened.name, command):
        return _run(opened, options, {**run_tags(command, flow_run_id()), **(tags or {})}, verify=verify)


def _run(opened: Study, options: RerunOptions, tags: Mapping[str, str], *, verify: bool) -> Outcome:
    raise_open_files()  # a worker of a deployment starts here
    refuse_absent_devices(opened)
    plan = Plan(opened)
    for note in (*warn_or_refuse(plan, options), *refuse_unfit_network(opened)):
        _log.warning(note)
    refuse_unfit_encoder(opened)
    opened.store.backend.probe(write=True)
    with live_page(plan, tags), first_look(plan), shown_builds() as submit:
        try:
            outcome = settle(execute(plan, options, submit, tags, full=verify))
        except NotRecordedError as error:
            _told(error.outcome)
            raise
        _told(outcome)
    return outcome


def _told(outcome: Outcome) -> None:
    tell = _tell.get()
    if tell is not None:
        tell(outcome)
