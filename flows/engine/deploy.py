"""Put a study on a schedule: one deployment with a module entrypoint, run by a process worker."""

import os
from datetime import timedelta

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.schedules import Cron, Interval
from prefect.types.entrypoint import EntrypointType

from flows.environment import SETTINGS
from flows.servers import POOL
from flows.study import study
from tasks.study.errors import UsageError
from tasks.study.study import Study


def schedule_study(opened: Study, cron: str | None, every: timedelta | None, timezone: str) -> str:
    """Register the study's deployment and return its name; it replaces an earlier one of the same study.

    Raises:
        UsageError: no Prefect server is named by PREFECT_API_URL; a temporary one keeps no schedules.
    """
    if not os.environ.get("PREFECT_API_URL"):
        raise UsageError(
            "a schedule needs a lasting Prefect server: start one with 'veritile ui' and set "
            "PREFECT_API_URL=http://127.0.0.1:4200/api"
        )
    _ensure_pool()
    deployment = RunnerDeployment.from_flow(
        study,
        name=opened.name,
        schedule=Cron(cron, timezone=timezone) if cron else Interval(every or timedelta(days=1)),
        parameters={
            "config": opened.config.model_dump(mode="json"),
            "home": str(opened.home),
            "data_root": opened.data_url or str(opened.data_root),
        },
        work_pool_name=POOL,
        job_variables={"env": dict(SETTINGS)},
        concurrency_limit=1,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    deployment.apply()
    return f"{study.name}/{opened.name}"


def _ensure_pool() -> None:
    with get_client(sync_client=True) as client:
        try:
            client.read_work_pool(POOL)
        except ObjectNotFound:
            client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
