"""Progress as events: who builds tells how far it is, who shows it listens. Neither holds the other."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # pydantic is behind them, which `veritile --help` does not need
    from tasks.artifacts.key import ArtifactKey
    from tasks.artifacts.spec import Reference


@dataclass(frozen=True)
class RunStarted:
    """A run begins. ``to_make`` counts per stage what it will or may make."""

    to_make: Mapping[str, int]


@dataclass(frozen=True)
class BuildStarted:
    """A build begins: ``label`` names it, ``artifacts`` counts what it makes."""

    stage: str
    label: str
    artifacts: int


@dataclass(frozen=True)
class Advanced:
    """A build has done ``items`` more tiles, epochs or the like."""

    label: str
    items: int


@dataclass(frozen=True)
class BuildEnded:
    """A build has ended, well or not."""

    stage: str
    label: str
    artifacts: int


@dataclass(frozen=True)
class Reused:
    """An artifact that might have been made was found in the store."""

    stage: str


@dataclass(frozen=True)
class Stored:
    """An artifact is stored: found there, or ``made`` by this run."""

    key: "ArtifactKey"
    reference: "Reference"
    made: bool


@dataclass(frozen=True)
class Failed:
    """An artifact failed, in this run or in an earlier one that is not repeated."""

    key: "ArtifactKey"
    why: str


Event = RunStarted | BuildStarted | Advanced | BuildEnded | Reused | Stored | Failed
Listener = Callable[[Event], None]

_listeners: list[Listener] = []
_lock = threading.Lock()


def emit(event: Event) -> None:
    """Tell every listener of this process."""
    for listener in tuple(_listeners):
        listener(event)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Hand every event of this process to ``listener`` while the block runs."""
    with _lock:
        _listeners.append(listener)
    try:
        yield
    finally:
        with _lock:
            _listeners.remove(listener)
