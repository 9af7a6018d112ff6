"""The ``veritile`` command; every heavy import is inside a command, so that --help is instant."""

import gc
import logging
import shlex
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.markup import escape

from flows.environment import prepare
from flows.interchange_cli import interchange
from flows.interrupts import INTERRUPTION
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
from flows.reporting_cli import reporting
from flows.schedules_cli import schedules_app
from flows.services_cli import services
from flows.tracking_cli import tracking

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
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and all log lines.")] = False,
) -> None:
    global _debug  # one switch of one process
    _debug = debug
    _set_up_logging(debug)
    if context.invoked_subcommand not in ("ui", "view"):  # which end what they serve first
        INTERRUPTION.begin()


def _set_up_logging(debug: bool) -> None:
    """Show our own lines; those of the libraries only with --debug, for Prefect writes two a task."""
    own = logging.getLogger("veritile")
    own.setLevel(logging.DEBUG if debug else logging.INFO)
    # A line that a server does not take is no news: the run says once that it is away.
    logging.raiseExceptions = debug
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
    gc.disable()  # until the run begins: imports and the plan make a million objects that all stay
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
    prepare(home, writes=False)
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
    prepare(home, writes=False)
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

    score_file(job, home, out)


@app.command()
def phantom(
    folder: Annotated[Path, typer.Argument(help="Where the slides and manifest.csv go.")],
    recipe: Annotated[
        Path | None,
        typer.Option(help="A YAML file of slides, pigment and pen, such as data_manifests/quickstart.yaml."),
    ] = None,
    rule: Annotated[
        str | None, typer.Option(help="Slides with a label each: present, absent, a_not_b, pairs or stamp.")
    ] = None,
) -> None:
    """Generate a cohort of synthetic slides whose right answers are known.

    By default tumour nuclei tell tumour. A recipe may plant granules of pigment instead, and a pen that marks
    every tumour of the training slides and says nothing on test slides.
    """
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
        str | None, typer.Option(help="The address in resources.store (default: the home's own store).")
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


app.add_typer(interchange)
app.add_typer(reporting)
app.add_typer(schedules_app)
app.add_typer(services)
app.add_typer(tracking)


def main() -> None:
    """Run the command line. A user's mistake is one sentence and exit code 2, a failed run exit code 1.

    A run that made everything and could not record it ends with exit code 3.

    An error that nobody foresaw is one sentence, with the file that holds its traceback, and exit code 1.
    A signal ends it in one sentence too, with the exit code 128 plus its number.
    """
    sys.excepthook = _one_sentence
    threading.excepthook = _of_thread
    with INTERRUPTION:
        _run()


def _run() -> None:
    try:
        # Not app(): Typer would put its own hook in the place of ours.
        typer.main.get_command(app)()
    except SystemExit:
        # The normal end; asking for the mistakes below would import most of the package to say --help.
        raise
    except _ends() as error:
        if _debug:
            raise
        from flows.exit_codes import code_of

        _tell(str(error))
        sys.exit(code_of(error))


def _typed() -> str:
    """Return the command as it was typed, for the recording."""
    from tasks.artifacts.redacted import redacted

    return redacted(shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]))


def _tell(sentence: str) -> None:
    from tasks.artifacts.redacted import redacted

    err.print(f"[bold red]error:[/] {escape(redacted(sentence))}", highlight=False, soft_wrap=True)


def _ends() -> tuple[type[BaseException], ...]:
    """Return the foreseen exceptions; asked only when something was raised."""
    from flows.exit_codes import FAILURES, MISTAKES

    return (*MISTAKES, *FAILURES)


def _of_thread(args: threading.ExceptHookArgs) -> None:
    """Tell an error that ended a thread, as one that ends the command."""
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        _one_sentence(args.exc_type, args.exc_value, args.exc_traceback)


def _one_sentence(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell an unforeseen error in one sentence too; the traceback goes to a file, with --debug on screen.

    Python then ends with exit code 1.
    """
    if _debug:
        sys.__excepthook__(kind, error, trace)
        return
    from flows.unforeseen import sentence_of

    _tell(sentence_of(error, sys.argv))
