"""veritile view."""

from rich.console import Console

from flows.commands.target import Target
from flows.config import load_study
from flows.open_study import open_study
from flows.services.ports import refuse_taken
from flows.services.program import HOST, Program
from flows.viewing.app import address_of
from flows.viewing.serve import serve
from flows.viewing.viewed import ViewedStudy


def view(target: Target, port: int, console: Console) -> None:
    """Show a study over its slides, on this machine alone, until a signal ends it.

    Raises:
        UsageError: the port is taken, or no review page of the study is stored.
    """
    refuse_taken([Program("", "the viewer", (), lambda _: True, port=port)])
    viewed = opened(target)
    name = viewed.study.name
    console.print(f"{name}  http://{HOST}:{port}{address_of(name)}", markup=False, highlight=False)
    console.print(f"{viewed.page.slides} slides; stop it with Ctrl-C", markup=False, highlight=False)
    serve(lambda: {name: lambda: opened(target)}, viewed.study.home, port)


def opened(target: Target) -> ViewedStudy:
    """Open the study of a target as the viewer shows it."""
    return ViewedStudy(open_study(load_study(target.config), target.home, target.data_root))
