"""Each build is one Prefect task run, named after its stage."""

from functools import cache
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from flows.engine.plain import RETRY_DELAY_S, is_worth_another_try
from flows.engine.request import BuildRequest, fulfil
from flows.engine.stages import stage_named


def _again(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
    return is_worth_another_try(state.result(raise_on_failure=False))


@task(
    task_run_name="{request.label}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=_again,
)
def build(request: BuildRequest) -> None:
    """Build what is requested."""
    fulfil(request)


@cache
def _task_of(stage: str) -> Task[[BuildRequest], None]:
    own = stage_named(stage)
    named: Task[[BuildRequest], None] = build.with_options(
        name=own.name, retries=own.retries, timeout_seconds=own.timeout_s
    )
    return named


def run_as_task(request: BuildRequest) -> BaseException | None:
    """Run the request as a Prefect task in this thread, and return the error it ended with."""
    state: State[Any] = _task_of(request.stage)(request, return_state=True)
    result = state.result(raise_on_failure=False)
    return result if isinstance(result, BaseException) else None
