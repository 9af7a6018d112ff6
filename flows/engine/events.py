"""Progress as events: who builds tells how far it is, who shows it listens. Neither holds the other."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass


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
class Made:
    """An artifact was made and is stored."""

    stage: str


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


Event = RunStarted | BuildStarted | Advanced | Made | BuildEnded | Reused
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
