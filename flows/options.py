"""What several commands have: where they print, and their options. Nothing heavy: --help is instant."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

# Tables need room; where the output is no terminal, nobody says how much there is.
out = Console(width=None if sys.stdout.isatty() else 140)

ConfigArg = Annotated[Path, typer.Argument(help="The study file (YAML).")]
HomeOption = Annotated[Path, typer.Option(help="The folder of all state.")]
RootOption = Annotated[
    Path | None, typer.Option(help="Folder the manifest's paths start from (default: its own).")
]
OnlyOption = Annotated[
    str | None,
    typer.Option(
        help="Make this stage again on stored inputs, such as draw, or a group, such as explain-group."
    ),
]
FromOption = Annotated[str | None, typer.Option("--from", help="Make this stage again and go on to the end.")]
VerifyOption = Annotated[bool, typer.Option("--verify", help="Hash every stored byte again.")]
Names = Annotated[list[str] | None, typer.Option(help="Narrow the forced stage; may be repeated.")]
Numbers = Annotated[list[int] | None, typer.Option(help="Narrow the forced stage; may be repeated.")]
