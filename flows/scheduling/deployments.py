"""One deployment per study and home, which names the study file; an edit of the file is followed."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.client.schemas.responses import DeploymentResponse
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron, Interval, Schedule
from prefect.types.entrypoint import EntrypointType

from flows.environment import SETTINGS
from flows.scheduling.clock import Clock
from flows.scheduling.failure_hook import NO_HOOK, FailureHook
from flows.scheduling.naming import FLOW, deployment_name
from flows.scheduling.server import ensure_pool
from flows.servers import POOL
from tasks.study.errors import UsageError

TAG = "veritile"
_PAGE = 100


@dataclass(frozen=True)
class Repeated:
    """A study that runs again and again: its file, its home, when, and what is called on failure."""

    study: str
    file: Path
    home: Path
    clock: Clock
    data_root: Path | None = None
    hook: FailureHook = field(default=NO_HOOK)

    @property
    def name(self) -> str:
        """The name of its deployment."""
        return deployment_name(self.study, self.home)

    @property
    def parameters(self) -> dict[str, Any]:
        """What its runs are started with: absolute paths, as a worker runs anywhere."""
        given = {"config": str(self.file), "home": str(self.home)}
        if self.data_root is not None:
            given["data_root"] = str(self.data_root)
        hook = self.hook.model_dump(mode="json", exclude_defaults=True)
        return given | ({"on_failure": hook} if hook else {})

    def deployment(self) -> RunnerDeployment:
        """Return the deployment; no server is asked.

        Raises:
            UsageError: Prefect refuses the rule.
        """
        from flows.study_file import study_file  # heavy: not needed to list what there is

        return RunnerDeployment.from_flow(
            study_file,
            name=self.name,
            schedule=_schedule(self.clock),
            parameters=self.parameters,
            description=f"Study `{self.study}` as `{self.file}` says when a run starts; home `{self.home}`.",
            tags=[TAG],
            work_pool_name=POOL,
            job_variables=job_variables(),
            entrypoint_type=EntrypointType.MODULE_PATH,
        )


def job_variables() -> dict[str, Any]:
    """Return what runs of a deployment need from a worker; ``prefect.yaml`` asks for it too."""
    return {"env": dict(SETTINGS)}


def register(client: SyncPrefectClient, repeated: Repeated) -> list[str]:
    """Register the schedule, in the place of an earlier one of the same study or file on the same home.

    Returns:
        A sentence for each schedule of another file or name that it replaces.
    """
    deployment = repeated.deployment()
    replaced = []
    for earlier in all_deployments(client):
        file, home = (earlier.parameters.get(name) for name in ("config", "home"))
        if home != str(repeated.home):
            continue
        if earlier.name == repeated.name and file != str(repeated.file):
            replaced.append(f"it replaces the schedule of {file}, which names the same study")
        elif earlier.name != repeated.name and file == str(repeated.file) and TAG in earlier.tags:
            client.delete_deployment(earlier.id)
            replaced.append(f"it replaces {earlier.name}, as the file names another study now")
    ensure_pool(client)
    deployment.apply()
    return replaced


def all_deployments(client: SyncPrefectClient) -> list[DeploymentResponse]:
    """Return every deployment of the flow that runs study files, by name."""
    named = FlowFilter(name=FlowFilterName(any_=[FLOW]))
    pages: list[DeploymentResponse] = []
    while True:
        page = client.read_deployments(flow_filter=named, limit=_PAGE, offset=len(pages))
        pages += page
        if len(page) < _PAGE:
            return sorted(pages, key=lambda item: item.name)


def _schedule(clock: Clock) -> Schedule:
    try:
        if clock.cron is not None:
            return Cron(clock.cron, timezone=clock.timezone)
        assert clock.every is not None
        return Interval(clock.every, timezone=clock.timezone)
    except ValueError as error:
        raise UsageError(f"Prefect cannot read {clock.words}: {error}") from error
