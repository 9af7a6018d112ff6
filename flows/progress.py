"""Progress on everything long: bars on a terminal, nothing but log lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

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
            yield
        finally:
            _bars.reset(token)


def stage_bar(stage: str, parts: int) -> AbstractContextManager[Advance]:
    """Count the finished parts of a stage."""
    return _bar(f"[bold]{stage}", parts)


def part_bar(label: str) -> AbstractContextManager[Advance]:
    """Count the items that one part has done; how many there will be is the part's own affair."""
    return _bar(f"  {label}", None)


@contextmanager
def _bar(label: str, total: int | None) -> Iterator[Advance]:
    bars = _bars.get()
    if bars is None:
        yield lambda done: None
        return
    bar = bars.add_task(label, total=total)
    try:
        yield lambda done: bars.update(bar, advance=done)
    finally:
        bars.remove_task(bar)
