"""veritile schedule."""

from dataclasses import dataclass
from datetime import timedelta

from rich.console import Console

from flows.commands.target import Target
from flows.engine.deploy import schedule_study
from tasks.study.errors import UsageError


@dataclass(frozen=True)
class Clock:
    """When a schedule fires: by cron, or every N seconds."""

    cron: str | None
    every: int | None
    timezone: str


def schedule(target: Target, clock: Clock, console: Console) -> None:
    """Register the study's schedule with the Prefect server."""
    if (clock.cron is None) == (clock.every is None):
        raise UsageError("give either --cron or --every")
    every = timedelta(seconds=clock.every) if clock.every else None
    name = schedule_study(target.plan().study, clock.cron, every, clock.timezone)
    console.print(
        f"scheduled {name}; the worker of 'veritile ui' runs it, or: prefect worker start --pool veritile"
    )
