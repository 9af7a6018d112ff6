"""The commands for runs that repeat; every heavy import is inside a command."""

from pathlib import Path
from typing import Annotated

import typer

from flows.environment import prepare, set_environment
from flows.options import ConfigArg, HomeOption, RootOption, out

schedules_app = typer.Typer(no_args_is_help=True)

WhichArg = Annotated[
    str, typer.Argument(metavar="WHICH", help="A study file, or a name that `veritile schedules` lists.")
]
NarrowOption = Annotated[Path | None, typer.Option("--home", help="The home, where several are scheduled.")]


@schedules_app.command()
def schedule(
    config: ConfigArg,
    cron: Annotated[
        str | None, typer.Option(help="When: five fields, such as '0 2 * * *', or @daily.")
    ] = None,
    every: Annotated[str | None, typer.Option(help="Or how often: seconds, or such as 15m, 6h, 1d.")] = None,
    timezone: Annotated[str, typer.Option(help="The clock, such as Europe/Berlin.")] = "UTC",
    on_failure: Annotated[
        str | None, typer.Option(help="A command for failed runs. It reads JSON; no shell is used.")
    ] = None,
    on_failure_url: Annotated[str | None, typer.Option(help="A webhook for failed runs.")] = None,
    allow_host: Annotated[
        str | None, typer.Option(help="The host of the webhook, if it is not this machine.")
    ] = None,
    home: HomeOption = Path(".veritile"),
    data_root: RootOption = None,
) -> None:
    """Run a study file again and again, as it then stands; needs the server of `veritile ui`."""
    from flows.scheduling.clock import Clock
    from flows.scheduling.failure_hook import FailureHook

    # Told at once, before anything is read.
    clock = Clock.read(cron, every, timezone)
    hook = FailureHook.read(on_failure, on_failure_url, allow_host)
    prepare(home)
    from flows.commands.schedule import schedule
    from flows.commands.target import Target

    schedule(Target(config, home, data_root), clock, hook, out)


@schedules_app.command()
def schedules() -> None:
    """List what is scheduled: file, home, rule, next run and last outcome."""
    set_environment()
    from flows.commands.schedules import schedules

    schedules(out)


@schedules_app.command()
def unschedule(which: WhichArg, home: NarrowOption = None) -> None:
    """Remove a schedule. What its runs made stays."""
    set_environment()
    from flows.commands.schedules import Choice, unschedule

    unschedule(Choice(which, home), out)


@schedules_app.command()
def pause(which: WhichArg, home: NarrowOption = None) -> None:
    """Let nothing of a schedule come due until it is resumed."""
    set_environment()
    from flows.commands.schedules import Choice, pause

    pause(Choice(which, home), out)


@schedules_app.command()
def resume(which: WhichArg, home: NarrowOption = None) -> None:
    """Let a paused schedule come due again."""
    set_environment()
    from flows.commands.schedules import Choice, resume

    resume(Choice(which, home), out)
