"""veritile view."""

from contextlib import suppress
from pathlib import Path

from rich.console import Console

from flows.commands.target import Target
from flows.config import load_study
from flows.open_study import open_study
from flows.services.ports import refuse_port
from flows.services.program import HOST
from flows.viewing.app import address_of
from flows.viewing.export import export_slide
from flows.viewing.notes import as_file_name
from flows.viewing.serve import serve
from flows.viewing.viewed import ViewedStudy
from tasks.study.errors import UsageError


def view(target: Target, port: int, console: Console) -> None:
    """Show a study over its slides, on this machine alone, until a signal ends it.

    Raises:
        UsageError: the port is taken, or no review page of the study is stored.
    """
    refuse_port(port, "the viewer", "--port")
    viewed = opened(target)
    name = viewed.study.name
    console.print(f"{name}  http://{HOST}:{port}{address_of(name)}", markup=False, highlight=False)
    console.print(f"{viewed.page.slides} slides; stop it with Ctrl-C", markup=False, highlight=False)
    first = [viewed]

    def newest() -> ViewedStudy:
        return first.pop() if first else opened(target)

    with suppress(KeyboardInterrupt):  # raised once more after it has ended
        serve(lambda: {name: newest}, viewed.study.home, port)


def export(target: Target, folder: Path, megabytes: float, console: Console) -> None:
    """Write slides as files that need no server; all of the page, or those that were selected.

    Raises:
        UsageError: no review page of the study is stored, or it shows no such slide.
    """
    viewed = opened(target)
    shown = list(viewed.told["slides"])
    for name in target.selection.slide:
        if name not in shown:
            raise UsageError(
                f"the page of {viewed.study.name!r} shows no slide {name!r}; it shows {', '.join(shown)}"
            )
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(shown):
        if name in (target.selection.slide or shown):
            path = folder / f"{as_file_name(viewed.study.name)}_{as_file_name(name)}.html"
            done = export_slide(viewed, number, path, round(megabytes * 1e6))
            console.print(
                f"{done.path}  {done.megabytes:.1f} MB, down to {done.um:.3g} um per pixel",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )


def opened(target: Target) -> ViewedStudy:
    """Open the study of a target as the viewer shows it."""
    return ViewedStudy(open_study(load_study(target.config), target.home, target.data_root))
