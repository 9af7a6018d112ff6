"""The command that fills a reporting checklist; every heavy import is inside a command."""

from pathlib import Path
from typing import Annotated

import typer

from flows.environment import prepare
from flows.options import ConfigArg, HomeOption, RootOption, out

reporting = typer.Typer(no_args_is_help=True)


@reporting.command()
def report(
    config: ConfigArg,
    checklist: Annotated[str, typer.Option(help="Which: claim or tripod-ai.")],
    format_: Annotated[
        str | None, typer.Option("--format", help="md or docx; by default what the name of the file says.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--out", help="The file to write; by default the page is printed.")
    ] = None,
    home: HomeOption = Path(".veritile"),
    data_root: RootOption = None,
) -> None:
    """Fill a reporting checklist from what is stored of a study, and mark what an author must add."""
    prepare(home, writes=False)
    from flows.commands.report import ReportJob, report
    from flows.commands.target import Target

    report(Target(config, home, data_root), ReportJob(checklist, format_, file), out)
