"""veritile schedules, unschedule, pause and resume."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.scheduling.listing import (
    ScheduledStudy,
    choose,
    current_run,
    last_run,
    next_run,
    scheduled_studies,
)
from flows.scheduling.server import has_worker, schedule_server

NO_WORKER = (
    "no worker serves the pool now: 'veritile ui' has one, or: "
    "prefect worker start --pool veritile --type process"
)
_ONE_LINE = 90


@dataclass(frozen=True)
class Choice:
    """Which schedule is meant: a study file, the name of a study or of a deployment, and perhaps its home."""

    word: str
    home: Path | None = None


def schedules(console: Console) -> None:
    """Print every schedule with its next run and its last outcome."""
    with schedule_server() as client:
        studies = scheduled_studies(client)
        rows = [(study, _next(client, study), _last(client, study)) for study in studies]
        served = has_worker(client)
    if not studies:
        say(
            console,
            "nothing is scheduled; veritile schedule CONFIG --cron '0 2 * * *' runs a study every night",
        )
        return
    table = Table(box=None, pad_edge=False)
    for column in ("name", "study", "file and home", "rule", "next run", "last outcome"):
        table.add_column(column, overflow="fold")
    for study, following, last in rows:
        name = study.study or "(unreadable)"
        files = f"{study.file}\n{study.home}"
        table.add_row(*map(escape, (study.name, name, files, study.rule, following, last)))
    console.print(table)
    if not served:
        say(console, NO_WORKER)


def unschedule(choice: Choice, console: Console) -> None:
    """Remove a schedule; what was run stays."""
    with schedule_server() as client:
        study = choose(scheduled_studies(client), choice.word, choice.home)
        under_way = current_run(client, study)
        client.delete_deployment(study.deployment.id)
    say(console, f"{study.name} is no longer scheduled{_goes_on(under_way)}")


def pause(choice: Choice, console: Console) -> None:
    """Let nothing of a schedule come due until it is resumed."""
    with schedule_server() as client:
        study = choose(scheduled_studies(client), choice.word, choice.home)
        client.pause_deployment(study.deployment.id)
        under_way = current_run(client, study)
    say(console, f"{study.name} is paused{_goes_on(under_way)}")


def resume(choice: Choice, console: Console) -> None:
    """Let a paused schedule come due again."""
    with schedule_server() as client:
        study = choose(scheduled_studies(client), choice.word, choice.home)
        client.resume_deployment(study.deployment.id)
        for item in study.deployment.schedules:
            client.update_deployment_schedule(study.deployment.id, item.id, active=True)
    say(console, f"{study.name} is resumed: {study.rule}")


def _next(client: SyncPrefectClient, study: ScheduledStudy) -> str:
    if study.paused:
        return "paused"
    due = next_run(client, study)
    return _time(due) if due else "-"


def _last(client: SyncPrefectClient, study: ScheduledStudy) -> str:
    running, ended = current_run(client, study), last_run(client, study)
    told = [f"running since {_time(running.start_time)}"] if running and running.start_time else []
    if ended is not None:
        message = (ended.state.message if ended.state else None) or ""
        first = message.partition("\n")[0]
        short = first if len(first) <= _ONE_LINE else f"{first[:_ONE_LINE]}..."
        told.append(f"{ended.state_name} {_time(ended.end_time)}{f': {short}' if short else ''}")
    return "\n".join(told) or "-"


def _goes_on(run: FlowRun | None) -> str:
    return f"; run {run.name}, which is under way, goes on" if run else ""


def _time(moment: datetime | None) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}" if moment else ""


def say(console: Console, sentence: str) -> None:
    """Print a sentence as it is."""
    console.print(escape(sentence), soft_wrap=True, highlight=False)
