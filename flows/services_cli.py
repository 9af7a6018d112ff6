"""The commands for servers and for the state of this machine; every heavy import is inside a command."""

from pathlib import Path
from typing import Annotated

import typer

from flows.environment import prepare
from flows.options import ConfigArg, HomeOption, Names, RootOption, out

services = typer.Typer(no_args_is_help=True)


@services.command()
def ui(
    home: HomeOption = Path(".veritile"),
    mlflow_port: Annotated[int, typer.Option(help="Port of the MLflow UI.")] = 5000,
    prefect_port: Annotated[int, typer.Option(help="Port of the Prefect UI.")] = 4200,
    viewer_port: Annotated[int, typer.Option(help="Port of the viewer of slides.")] = 5080,
) -> None:
    """Keep MLflow, Prefect, the viewer and a worker running on this machine alone; print their addresses."""
    prepare(home)
    from flows.services.ui import Ports, serve_uis

    serve_uis(home, Ports(mlflow_port, prefect_port, viewer_port), out)


@services.command()
def view(
    config: ConfigArg,
    home: HomeOption = Path(".veritile"),
    data_root: RootOption = None,
    port: Annotated[int, typer.Option(help="Port of the viewer.")] = 5080,
    export: Annotated[
        Path | None, typer.Option(help="Write one file per slide into this folder, and serve nothing.")
    ] = None,
    slide: Names = None,
    megabytes: Annotated[float, typer.Option(min=0, help="Most of the tissue in such a file.")] = 8,
) -> None:
    """Show the maps of a study over its whole slides at full resolution, on this machine alone."""
    prepare(home)
    from flows.commands.target import Target, selected
    from flows.commands.view import export as write
    from flows.commands.view import view

    target = Target(config, home, data_root, selection=selected(None, None, slide, None, None, None))
    if export is None:
        view(target, port, out)
    else:
        write(target, export, megabytes, out)


@services.command()
def doctor(
    config: Annotated[Path | None, typer.Argument(help="A study file (YAML) to check too.")] = None,
    home: HomeOption = Path(".veritile"),
    data_root: RootOption = None,
    schedule: Annotated[
        bool,
        typer.Option("--schedule", help="Let a test schedule fire, on a server of its own; about a minute."),
    ] = False,
) -> None:
    """Check versions, slides, disk, devices, servers and clock, one line each; exit code 1 with a fault."""
    prepare(home)
    from flows.commands.doctor import doctor
    from flows.commands.target import Target

    target = None if config is None else Target(config, home, data_root)
    raise typer.Exit(doctor(target, home, out, schedule=schedule))
