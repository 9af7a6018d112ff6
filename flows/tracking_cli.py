"""The commands about MLflow; every heavy import is inside a command."""

import shlex
import sys
from pathlib import Path

import typer

from flows.environment import prepare
from flows.options import ConfigArg, HomeOption, RootOption, out

tracking = typer.Typer(no_args_is_help=True)


@tracking.command()
def record(
    config: ConfigArg,
    home: HomeOption = Path(".veritile"),
    data_root: RootOption = None,
) -> None:
    """Record a finished study in MLflow, where a run could not; what MLflow has already is left."""
    prepare(home)
    from flows.commands.record import record
    from flows.commands.target import Target

    record(Target(config, home, data_root, only="record"), shlex.join(["veritile", *sys.argv[1:]]), out)
