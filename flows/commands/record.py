"""veritile record."""

from concurrent.futures import ThreadPoolExecutor

from rich.console import Console

from flows.commands.target import Target
from flows.engine.execute import execute
from flows.engine.outcome import RECORD, ArtifactsFailedError, settle
from flows.engine.plan import Plan
from flows.engine.request import BuildRequest, fulfil
from flows.engine.status import plan_status
from flows.origin import run_tags
from flows.progress import shown
from tasks.artifacts.pages import Recording
from tasks.artifacts.spec import Reference
from tasks.recorded.inputs import RecordSection
from tasks.study.errors import UsageError
from tasks.tracking.errors import TrackingError, address_of


def record(target: Target, command: str, console: Console) -> None:
    """Record the study in MLflow once. What is there already is left, and nothing else is made.

    Raises:
        UsageError: MLflow cannot be used, or the study is not finished.
        NotRecordedError: MLflow went away meanwhile.
        ArtifactsFailedError: the study has nothing to record, as too much of it failed.
    """
    with shown(console):
        plan, options = target.plan(), target.options
        statuses = plan_status(plan, options)
    missing = list(dict.fromkeys(key for status in statuses for key in status.missing))
    if missing:
        raise UsageError(
            f"{plan.study.name} is not finished, and only a finished study is recorded: {missing[0]} and "
            f"{len(missing) - 1} other artifacts were never made from the present inputs; run it first"
        )
    own = next(status for status in statuses if status.key == RECORD)
    stored = None if own.spec is None else plan.study.store.find(own.spec)
    if stored is not None and _is_there(plan, stored.reference):
        _tell(plan, stored.reference, "is recorded already", console)
        return
    if own.state == "blocked":
        raise ArtifactsFailedError(f"{plan.study.name} has nothing to record: {own.reasons[0]}")
    with shown(console):
        outcome = settle(execute(plan, options, _in_a_thread, run_tags(command, "")))
    assert outcome.recording is not None
    _tell(plan, outcome.recording, "is recorded", console)


def _in_a_thread(request: BuildRequest) -> BaseException | None:
    """Build the recording, and return the error it ended with. One build is nothing that Prefect shows."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(fulfil, request).exception()


def _is_there(plan: Plan, recording: Reference) -> bool:
    """Say whether MLflow still has what was recorded; a server or a database may be another than then."""
    from tasks.tracking.lookup import has_run  # MLflow, which a wrong study file does not need

    study = plan.study
    try:
        return has_run(study.home, study.section(RecordSection).tracking_uri, _parent(plan, recording))
    except TrackingError as error:
        raise UsageError(f"{error}. Nothing was recorded") from error


def _tell(plan: Plan, recording: Reference, verb: str, console: Console) -> None:
    place = address_of(plan.study.home, plan.study.section(RecordSection).tracking_uri)
    run = _parent(plan, recording)
    console.print(f"{plan.study.name} {verb} in MLflow at {place}: run {run}", soft_wrap=True)


def _parent(plan: Plan, recording: Reference) -> str:
    return Recording(plan.study.store.path(recording)).parent
