"""Progress on everything long: bars on a terminal, nothing but log lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from flows.engine.events import (
    Advanced,
    BuildEnded,
    BuildStarted,
    Event,
    Reused,
    RunStarted,
    listening,
)

Advance = Callable[[int], None]

_bars: ContextVar[Progress | None] = ContextVar("bars", default=None)


@contextmanager
def shown(console: Console) -> Iterator[None]:
    """Show bars on ``console`` while the block runs, if it is a terminal."""
    if not console.is_terminal:
        yield
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        token = _bars.set(bars)
        try:
            with listening(StudyBars(bars)):
                yield
        finally:
            _bars.reset(token)


class StudyBars:
    """One bar per stage that has something to make, and one per build that is under way."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._stages: dict[str, TaskID] = {}
        self._builds: dict[str, TaskID] = {}

    def __call__(self, event: Event) -> None:
        """Show what happened."""
        match event:
            case RunStarted(to_make):
                self._stages = {
                    stage: self._bars.add_task(f"[bold]{stage}", total=count, visible=False)
                    for stage, count in to_make.items()
                }
            case BuildStarted(stage, label, _):
                self._builds[label] = self._bars.add_task(f"  {label}", total=None)
                if stage in self._stages:
                    self._bars.update(self._stages[stage], visible=True)
            case Advanced(label, items) if label in self._builds:
                self._bars.update(self._builds[label], advance=items)
            case BuildEnded(stage, label, artifacts):
                bar = self._builds.pop(label, None)
                if bar is not None:
                    self._bars.remove_task(bar)
                self._count(stage, artifacts)
            case Reused(stage):
                self._count(stage, 1)
            case _:
                pass

    def _count(self, stage: str, artifacts: int) -> None:
        bar = self._stages.get(stage)
        if bar is not None:
            self._bars.update(bar, advance=artifacts)
            task = next(task for task in self._bars.tasks if task.id == bar)
            if task.finished:
                self._bars.update(bar, visible=False)


def item_bar(label: str) -> AbstractContextManager[Advance]:
    """Count the items of something that is no study; how many there will be is its own affair."""
    return _bar(f"  {label}")


@contextmanager
def _bar(label: str) -> Iterator[Advance]:
    bars = _bars.get()
    if bars is None:
        yield lambda done: None
        return
    bar = bars.add_task(label, total=None)
    try:
        yield lambda done: bars.update(bar, advance=done)
    finally:
        bars.remove_task(bar)
