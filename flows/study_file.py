"""The flow of deployments: run the study that a file says now. Its parameters are the form in Prefect."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.states import Cancelled, Completed, Failed

from flows.config import read_study
from flows.engine.outcome import Outcome
from flows.engine.rerun import RerunOptions, Selection
from flows.environment import prepare
from flows.exit_codes import FAILURES, MISTAKES
from flows.log_lines import send_log_lines
from flows.open_study import open_study
from flows.scheduling.failure_hook import NO_HOOK, FailureHook
from flows.scheduling.naming import FLOW
from flows.scheduling.on_failure import call_hook
from flows.scheduling.outcome_page import publish, summary, tag_run
from flows.scheduling.overlap import SUPERSEDED, SupersededError, one_at_a_time, queue_kept_short
from flows.study import FILE_DIGEST, StageWord, run_opened
from tasks.study.errors import UsageError

_log = logging.getLogger("veritile.schedule")


@flow(name=FLOW, on_failure=[call_hook], on_crashed=[call_hook])
def study_file(  # noqa: PLR0913  # they are the form of a deployment
    config: Path,
    home: Path,
    data_root: Path | None = None,
    only: StageWord | None = None,
    from_stage: StageWord | None = None,
    arm: tuple[str, ...] = (),
    seed: tuple[int, ...] = (),
    slide: tuple[str, ...] = (),
    explainer: tuple[str, ...] = (),
    metric: tuple[str, ...] = (),
    fold: tuple[int, ...] = (),
    verify: bool = False,
    on_failure: FailureHook = NO_HOOK,
) -> State[Any]:
    """Run the study in a file, or force one stage of it; finished artifacts are reused from the store.

    Args:
        config: the study file, as an absolute path. An edited file is followed by the next run.
        home: the folder of all state, as an absolute path.
        data_root: where the manifest's paths start; the manifest's own folder by default.
        only: make this stage again on stored inputs and leave the rest untouched.
        from_stage: make this stage again and go on to the end.
        arm: only these arms of the forced stage.
        seed: only these seeds of the forced stage.
        slide: only these slides of the forced stage.
        explainer: only these explainers of the forced stage.
        metric: only these metrics of the forced stage.
        fold: only these folds of the forced stage.
        verify: hash every stored byte again before it is reused.
        on_failure: what is called when the run fails.
    """
    send_log_lines()
    selection = Selection(arm, seed, slide, explainer, metric, fold)
    try:
        _refuse_relative(config, home, data_root)
        prepare(home)
        with _turn(home):
            outcome = _run(config, home, data_root, RerunOptions(only, from_stage, selection), verify)
    except SupersededError as error:
        return Cancelled(name=SUPERSEDED, message=str(error))
    except (*MISTAKES, *FAILURES) as error:
        # A state with the sentence, and no traceback: nothing is wrong with the code.
        publish(config, home, f"**Failed.** {error}")
        return Failed(message=str(error))
    publish(config, home, summary(outcome, home))
    return Completed(message=f"{len(outcome.executed)} artifacts made, {outcome.reused} reused", data=outcome)


def _run(config: Path, home: Path, data_root: Path | None, options: RerunOptions, verify: bool) -> Outcome:
    loaded, digest = read_study(config)
    _log.info("study %s from %s, sha256 %s", loaded.study, config, digest)
    tag_run(study=loaded.study, file=digest[:12])
    opened = open_study(loaded, home, data_root)
    return run_opened(opened, options, _command(), verify=verify, tags={FILE_DIGEST: digest})


def _command() -> str:
    """Return what starts such a run, for the recording; empty where no deployment did."""
    name = runtime.deployment.name
    return f"prefect deployment run '{FLOW}/{name}'" if name else ""


def _refuse_relative(*paths: Path | None) -> None:
    for path in paths:
        if path is not None and not path.is_absolute():
            raise UsageError(
                f"{path} is a relative path, and a worker runs in a folder of its own; give all of it"
            )


@contextmanager
def _turn(home: Path) -> Iterator[None]:
    """Wait for earlier runs of the same deployment, and keep those that come due meanwhile few."""
    context = FlowRunContext.get()
    run = context.flow_run if context is not None else None
    if run is None or run.deployment_id is None:
        yield
        return
    deployment = run.deployment_id
    with (
        one_at_a_time(home / "schedules", str(deployment), again=run.auto_scheduled),
        queue_kept_short(deployment, run.id),
    ):
        yield
