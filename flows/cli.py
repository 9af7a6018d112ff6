"""The ``veritile`` command; every heavy import is inside a command, so that --help is instant."""

import gc
import logging
import shlex
import signal
import sys
from pathlib import Path
from types import FrameType, TracebackType
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.markup import escape

from flows.environment import prepare
from flows.interchange_cli import interchange
from flows.options import (
    ConfigArg,
    FromOption,
    HomeOption,
    Names,
    Numbers,
    OnlyOption,
    RootOption,
    VerifyOption,
    out,
)

app = typer.Typer(
    help="Interpretability studies on whole-slide images: tile, train, explain, evaluate, compare, record.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
err = Console(stderr=True)
_debug = False


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and all log lines.")] = False,
) -> None:
    global _debug  # one switch of one process
    _debug = debug
    _set_up_logging(debug)


def _set_up_logging(debug: bool) -> None:
    """Show our own lines; those of the libraries only with --debug, for Prefect writes two a task."""
    own = logging.getLogger("veritile")
    own.setLevel(logging.DEBUG if debug else logging.INFO)
    if debug:
        logging.basicConfig(level=logging.DEBUG, format="%(levelname)s %(name)s %(message)s")
        return
    # On a terminal through the console, so that lines and progress bars do not write over one another.
    handler = RichHandler(console=out, show_time=False, show_level=False, show_path=False)
    own.addHandler(handler if out.is_terminal else logging.StreamHandler())


@app.command()
def run(
    config: ConfigArg,
    home: HomeOption = Path(".veritile"),
    data_root: RootOption = None,
    only: OnlyOption = None,
    from_: FromOption = None,
    arm: Names = None,
    seed: Numbers = None,
    slide: Names = None,
    explainer: Names = None,
    metric: Names = None,
    fold: Numbers = None,
    verify: VerifyOption = False,
) -> None:
    """Run a study, or force one stage of it. Finished artifacts are reused."""
    prepare(home)
    from flows.commands.run import run
    from flows.commands.target import Target, selected

    selection = selected(arm, seed, slide, explainer, metric, fold)
    run(Target(config, home, data_root, only, from_, selection), _typed(), out, verify=verify)


@app.command()
def status(
    config: ConfigArg,
    home: HomeOption = Path(".veritile"),
    data_root: RootOption = None,
    only: OnlyOption = None,
    from_: FromOption = None,
    arm: Names = None,
    seed: Numbers = None,
    slide: Names = None,
    explainer: Names = None,
    metric: Names = None,
    fold: Numbers = None,
    verify: VerifyOption = False,
    every: Annotated[
        bool, typer.Option("--all", help="Name every artifact, also those of equal reason.")
    ] = False,
) -> None:
    """Say of every artifact whether it is done, or would be made by such a run and why."""
    gc.disable()  # it ends soon, and imports and syntax trees make a million objects that all stay
    prepare(home)
    from flows.commands.status import status
    from flows.commands.target import Target, selected

    selection = selected(arm, seed, slide, explainer, metric, fold)
    status(Target(config, home, data_root, only, from_, selection), out, verify=verify, every=every)


@app.command()
def validate(
    config: ConfigArg,
    data_root: RootOption = None,
    home: HomeOption = Path(".veritile"),
    deep: Annotated[
        bool, typer.Option("--deep", help="Open every slide and annotation, and print a line per slide.")
    ] = False,
) -> None:
    """Check a study file, its manifest and its slides, and say what it will cost; nothing is run."""
    gc.disable()  # it ends soon, and imports and syntax trees make a million objects that all stay
    prepare(home)
    from flows.commands.target import Target
    from flows.commands.validate import validate

    validate(Target(config, home, data_root), out, deep=deep)


@app.command()
def adopt(
    stage: Annotated[str, typer.Argument(help="The stage or group whose stored artifacts stand, or: all.")],
    config: ConfigArg,
    reason: Annotated[str, typer.Option(help="Why the changed code gives the same numbers.")],
    home: HomeOption = Path(".veritile"),
    data_root: RootOption = None,
) -> None:
    """Record that stored artifacts stand after a refactoring that changed no number."""
    prepare(home)
    from flows.commands.status import adopt
    from flows.commands.target import Target

    adopt(stage, reason, Target(config, home, data_root), out)


@app.command()
def score(
    job: Annotated[Path, typer.Argument(help="The job file (YAML): a network, an index of maps, metrics.")],
    home: HomeOption = Path(".veritile"),
) -> None:
    """Score maps made elsewhere: array files with an index, on a network that you bring."""
    prepare(home)
    from flows.commands.score import score_file

    score_file(job, out)


@app.command()
def phantom(
    folder: Annotated[Path, typer.Argument(help="Where the slides and manifest.csv go.")],
    recipe: Annotated[Path | None, typer.Option(help="A YAML file of PhantomRecipe fields.")] = None,
    rule: Annotated[
        str | None, typer.Option(help="Slides with a label each: present, absent, a_not_b, pairs or stamp.")
    ] = None,
) -> None:
    """Generate a cohort of synthetic slides whose right answers are known."""
    from flows.commands.phantom import phantom

    phantom(folder, recipe, rule, out)


@app.command()
def unused(
    home: HomeOption = Path(".veritile"),
    days: Annotated[float, typer.Option(min=1, help="Longer than the longest study takes.")] = 30,
    keep: Annotated[
        list[Path] | None, typer.Option(help="A study file whose artifacts stay; may be repeated.")
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="The address in resources.store [default: the home's own store].")
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete what is listed.")] = False,
) -> None:
    """List artifacts that no recorded study uses and no run has touched for N days."""
    from flows.commands.unused import planned, store_of, unused

    kept = [record for path in keep or () for record in planned(home, path)]
    unused(store_of(home, store), days, kept, out, delete=delete)


@app.command()
def plugins() -> None:
    """List every regularizer, explainer and metric, one line each."""
    from flows.commands.phantom import plugins

    plugins(out)


@app.command()
def ui(
    home: HomeOption = Path(".veritile"),
    mlflow_port: Annotated[int, typer.Option(help="Port of the MLflow UI.")] = 5000,
    prefect_port: Annotated[int, typer.Option(help="Port of the Prefect UI.")] = 4200,
) -> None:
    """Start the MLflow and Prefect UIs on this machine alone, and print their addresses."""
    prepare(home)
    from flows import servers

    servers.serve_uis(home, mlflow_port, prefect_port, out)


@app.command()
def schedule(
    config: ConfigArg,
    cron: Annotated[str | None, typer.Option(help="When, for example '0 2 * * *'.")] = None,
    every: Annotated[int | None, typer.Option(min=1, help="Or every N seconds.")] = None,
    timezone: Annotated[str, typer.Option(help="The clock that --cron is read by.")] = "UTC",
    home: HomeOption = Path(".veritile"),
    data_root: RootOption = None,
) -> None:
    """Run a study on a schedule; needs PREFECT_API_URL or a server started by `veritile ui`."""
    prepare(home)
    from flows.commands.schedule import Clock, schedule
    from flows.commands.target import Target

    schedule(Target(config, home, data_root), Clock(cron, every, timezone), out)


app.add_typer(interchange)


def main() -> None:
    """Run the command line. A user's mistake is one sentence and exit code 2, a failed run exit code 1.

    An error that nobody foresaw is one sentence, with the file that holds its traceback, and exit code 1.
    """
    sys.excepthook = _one_sentence
    signal.signal(signal.SIGTERM, _terminate)
    try:
        # Not app(): Typer would put its own hook in the place of ours.
        typer.main.get_command(app)()
    except SystemExit:
        # The normal end; asking for the mistakes below would import most of the package to say --help.
        raise
    except _ends() as error:
        if _debug:
            raise
        _tell(str(error))
        sys.exit(2 if isinstance(error, _ends(mistakes=True)) else 1)


def _terminate(number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does, so that a server that was started is stopped too."""
    err.print("ended by a signal; run the command again to resume")
    sys.exit(128 + number)


def _typed() -> str:
    """Return the command as it was typed, for the recording."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def _tell(sentence: str) -> None:
    err.print(f"[bold red]error:[/] {escape(sentence)}", highlight=False, soft_wrap=True)


def _ends(*, mistakes: bool = False) -> tuple[type[BaseException], ...]:
    """Return the foreseen exceptions, or only a user's mistakes; asked only when something was raised."""
    from flows.exit_codes import FAILURES, MISTAKES

    return MISTAKES if mistakes else (*MISTAKES, *FAILURES)


def _one_sentence(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell an unforeseen error in one sentence too; the traceback goes to a file, with --debug on screen.

    Python then ends with exit code 1.
    """
    if _debug:
        sys.__excepthook__(kind, error, trace)
        return
    from flows.unforeseen import sentence_of

    _tell(sentence_of(error, sys.argv))
