"""What is scheduled, when it runs next, how it ended last, and which of it is meant by a word."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import DeploymentSchedule, FlowRun, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.client.schemas.sorting import FlowRunSort

from flows.scheduling.clock import rule_in_words
from flows.scheduling.deployments import all_deployments
from flows.scheduling.overlap import SUPERSEDED
from flows.yaml_files import read_yaml
from tasks.study.errors import ConfigError, UsageError

_ENDED = [StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED]
_RECENT = 50


@dataclass(frozen=True)
class ScheduledStudy:
    """A deployment with its schedules, as a person reads it.

    Attributes:
        deployment: as Prefect holds it.
        study: the name that the study file bears now, empty where the file cannot be read.
    """

    deployment: DeploymentResponse
    study: str

    @property
    def name(self) -> str:
        """The name of the deployment."""
        return self.deployment.name

    @property
    def file(self) -> str:
        """The study file."""
        return str(self.deployment.parameters.get("config", ""))

    @property
    def home(self) -> str:
        """The home."""
        return str(self.deployment.parameters.get("home", ""))

    @property
    def paused(self) -> bool:
        """Whether nothing comes due."""
        return self.deployment.paused or not any(item.active for item in self.deployment.schedules)

    @property
    def rule(self) -> str:
        """When it fires, for people."""
        return ", ".join(_rule(item) for item in self.deployment.schedules)

    def means(self, word: str, home: Path | None) -> bool:
        """Say whether ``word`` is the name of the deployment, of the study, or its file."""
        if home is not None and self.home != str(home.resolve()):
            return False
        return word in (self.name, self.study) or self.file == str(Path(word).resolve())


def scheduled_studies(client: SyncPrefectClient) -> list[ScheduledStudy]:
    """Return every deployment of a study file that has a schedule."""
    return [
        ScheduledStudy(item, _study_of(str(item.parameters.get("config", ""))))
        for item in all_deployments(client)
        if item.schedules
    ]


def choose(studies: Sequence[ScheduledStudy], word: str, home: Path | None) -> ScheduledStudy:
    """Return the one that ``word`` means: a study file, the name of a study, or that of a deployment.

    Raises:
        UsageError: none is meant, or several are; the message names what there is to choose.
    """
    meant = [item for item in studies if item.means(word, home)]
    if len(meant) == 1:
        return meant[0]
    if meant:
        listed = "; ".join(f"{item.name} (home {item.home})" for item in meant)
        raise UsageError(f"{word} is scheduled {len(meant)} times, so give a name or --home: {listed}")
    if not studies:
        raise UsageError(f"{word} is not scheduled; nothing is")
    words = {w: item.name for item in studies for w in (item.study, item.name)}
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    hint = f"did you mean {words[near[0]]!r}?" if near else f"there are: {', '.join(s.name for s in studies)}"
    raise UsageError(f"{word} is not scheduled{'' if home is None else f' on {home}'}; {hint}")


def next_run(client: SyncPrefectClient, study: ScheduledStudy) -> datetime | None:
    """Return when the next run comes due, None where none does."""
    if study.paused:
        return None
    due = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
        expected_start_time=FlowRunFilterExpectedStartTime(after_=datetime.now(UTC)),
    )
    runs = _runs(client, study, due, FlowRunSort.EXPECTED_START_TIME_ASC)
    return runs[0].expected_start_time if runs else None


def last_run(client: SyncPrefectClient, study: ScheduledStudy) -> FlowRun | None:
    """Return the run that ended last, without those that gave way to another."""
    ended = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_ENDED)))
    runs = _runs(client, study, ended, FlowRunSort.END_TIME_DESC)
    return next((run for run in runs if run.state_name != SUPERSEDED), None)


def current_run(client: SyncPrefectClient, study: ScheduledStudy) -> FlowRun | None:
    """Return a run that is under way."""
    running = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING]))
    )
    runs = _runs(client, study, running, FlowRunSort.START_TIME_ASC)
    return runs[0] if runs else None


def _runs(
    client: SyncPrefectClient, study: ScheduledStudy, runs: FlowRunFilter, sort: FlowRunSort
) -> list[FlowRun]:
    own = DeploymentFilter(id=DeploymentFilterId(any_=[study.deployment.id]))
    return client.read_flow_runs(deployment_filter=own, flow_run_filter=runs, sort=sort, limit=_RECENT)


def _rule(item: DeploymentSchedule) -> str:
    rule = item.schedule
    if isinstance(rule, CronSchedule):
        return rule_in_words(rule.cron, None, rule.timezone)
    if isinstance(rule, IntervalSchedule):
        return rule_in_words(None, rule.interval, rule.timezone)
    return str(getattr(rule, "rrule", "-"))


def _study_of(file: str) -> str:
    try:
        return str(read_yaml(Path(file)).get("study", ""))
    except ConfigError:
        return ""
