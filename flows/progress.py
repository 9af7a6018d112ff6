"""Progress on everything long: bars on a terminal, nothing but log lines elsewhere."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from flows.engine.events import (
    Advanced,
    BuildEnded,
    BuildStarted,
    Event,
    Reused,
    RunStarted,
    listening,
)

_log = logging.getLogger("veritile.study")

Advance = Callable[[int], None]

LOG_SECONDS = 20.0
"""Where there are no bars, a line says how far a long check is after each time that long."""

_GB = 1e9
_SHORT_S, _LONG_S = 90.0, 5400.0

_bars: ContextVar[Progress | None] = ContextVar("bars", default=None)


@contextmanager
def shown(console: Console) -> Iterator[None]:
    """Show bars on ``console`` while the block runs, if it is a terminal."""
    if not console.is_terminal:
        yield
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        CountColumn(),
        TimeElapsedColumn(),
        LeftColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        token = _bars.set(bars)
        try:
            with listening(StudyBars(bars)):
                yield
        finally:
            _bars.reset(token)


class CountColumn(ProgressColumn):
    """How many of how many; where the total is not known, how many are done."""

    def render(self, task: Task) -> Text:
        """Return the words for one bar."""
        done = int(task.completed)
        if task.total is None:
            return Text(f"{done:,} done" if done else "")
        return Text(f"{done:,} of {int(task.total):,}")


class LeftColumn(ProgressColumn):
    """How long a stage will take, from the artifacts that this run has made of it."""

    def render(self, task: Task) -> Text:
        """Return the words for one bar; none before the first artifact is made."""
        paced: PacedStage | None = task.fields.get("paced")
        seconds = None if paced is None else paced.seconds_left()
        return Text("" if seconds is None else f"{in_words(seconds)} left")


class PacedStage:
    """Counts what is made of a stage, and says how long the rest takes at the mean pace so far.

    Artifacts that were found in the store took no time and count only as no longer to be made.
    """

    def __init__(self, total: int, clock: Callable[[], float]) -> None:
        self._left, self._made, self._clock = total, 0, clock
        self._began: float | None = None
        self._last = 0.0

    def begin(self) -> None:
        """Note that a build of the stage begins."""
        if self._began is None:
            self._began = self._clock()

    def settle(self, count: int, *, made: bool) -> None:
        """Note artifacts that are no longer to be made."""
        self._left = max(0, self._left - count)
        if made:
            self._made, self._last = self._made + count, self._clock()

    def seconds_left(self) -> float | None:
        """Return the seconds that are left; None before anything was made."""
        if self._began is None or not self._made or not self._left:
            return None
        rest = (self._last - self._began) / self._made * self._left
        return max(0.0, rest - (self._clock() - self._last))


def in_words(seconds: float) -> str:
    """Return a time for a person: seconds below a minute and a half, then minutes, then hours."""
    if seconds < _SHORT_S:
        return f"about {max(1, round(seconds))} s"
    if seconds < _LONG_S:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"


class StudyBars:
    """One bar per stage that has something to make, and one per build that is under way."""

    def __init__(self, bars: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self._bars, self._clock = bars, clock
        self._paced: dict[str, PacedStage] = {}
        self._stages: dict[str, TaskID] = {}
        self._builds: dict[str, TaskID] = {}

    def __call__(self, event: Event) -> None:
        """Show what happened."""
        match event:
            case RunStarted(to_make):
                self._paced = {stage: PacedStage(count, self._clock) for stage, count in to_make.items()}
                self._stages = {
                    stage: self._bars.add_task(
                        f"[bold]{stage}", total=count, start=False, visible=False, paced=self._paced[stage]
                    )
                    for stage, count in to_make.items()
                }
            case BuildStarted(stage, label, _):
                self._builds[label] = self._bars.add_task(f"  {label}", total=None)
                if stage in self._stages:
                    self._paced[stage].begin()
                    self._bars.start_task(self._stages[stage])
                    self._bars.update(self._stages[stage], visible=True)
            case Advanced(label, items) if label in self._builds:
                self._bars.update(self._builds[label], advance=items)
            case BuildEnded(stage, label, artifacts):
                bar = self._builds.pop(label, None)
                if bar is not None:
                    self._bars.remove_task(bar)
                self._count(stage, artifacts, made=True)
            case Reused(stage):
                self._count(stage, 1, made=False)
            case _:
                pass

    def _count(self, stage: str, artifacts: int, *, made: bool) -> None:
        bar = self._stages.get(stage)
        if bar is not None:
            self._paced[stage].settle(artifacts, made=made)
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


class Tally:
    """Counts items and bytes of something long, and says how far it is."""

    def __init__(self, doing: str, items: int, size: int, say: Callable[[str], None]) -> None:
        self._doing, self._items, self._size, self._say = doing, items, size, say
        self._done = self._read = 0
        self._lock = threading.Lock()

    def advance(self, size: int) -> None:
        """Count bytes of an item that is under way."""
        with self._lock:
            self._read += size
            self._say(self.sentence)

    def finish(self) -> None:
        """Count an item."""
        with self._lock:
            self._done += 1
            self._say(self.sentence)

    @property
    def sentence(self) -> str:
        """How far it is."""
        items = f"{self._doing}: {self._done:,} of {self._items:,}"
        return f"{items}, {self._read / _GB:,.1f} of {self._size / _GB:,.1f} GB" if self._size else items


@contextmanager
def tally(doing: str, items: int, size: int = 0) -> Iterator[Tally]:
    """Show a count of ``items``, and of bytes where ``size`` is given: a bar, or a log line now and then."""
    bars = _bars.get()
    if bars is None:
        yield Tally(doing, items, size, _now_and_then(time.monotonic))
        return
    bar = bars.add_task(doing, total=None)
    try:
        yield Tally(doing, items, size, lambda sentence: bars.update(bar, description=sentence))
    finally:
        bars.remove_task(bar)


def _now_and_then(clock: Callable[[], float]) -> Callable[[str], None]:
    last = clock()

    def say(sentence: str) -> None:
        nonlocal last
        if clock() - last >= LOG_SECONDS:
            last = clock()
            _log.info(sentence)

    return say
