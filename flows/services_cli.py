"""The commands for servers and for the state of this machine; every heavy import is inside a command."""

from pathlib import Path
from typing import Annotated

import typer

from flows.environment import prepare
from flows.options import HomeOption, RootOption, out

services = typer.Typer(no_args_is_help=True)


@services.command()
def ui(
    home: HomeOption = Path(".veritile"),
    mlflow_port: Annotated[int, typer.Option(help="Port of the MLflow UI.")] = 5000,
    prefect_port: Annotated[int, typer.Option(help="Port of the Prefect UI.")] = 4200,
) -> None:
    """Keep MLflow, Prefect and a worker running on this machine alone, and print their addresses."""
    prepare(home)
    from flows.services.ui import serve_uis

    serve_uis(home, mlflow_port, prefect_port, out)
