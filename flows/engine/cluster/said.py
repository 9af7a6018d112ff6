"""What workers say reaches the run: progress and log lines, by a topic of the scheduler."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flows.engine.events import Advanced, Event, emit, listening

OURS = "veritile"
SECONDS = 0.3
"""Progress is sent no more often than this: a training takes many steps per second."""

Send = Callable[[Mapping[str, Any]], None]


@contextmanager
def forwarded(send: Send, worker: str, level: int) -> Iterator[None]:
    """Send the progress and the log lines of this process while the block runs."""
    progress, lines = _Progress(send), _Lines(send, worker)
    ours = logging.getLogger(OURS)
    ours.setLevel(level)
    ours.addHandler(lines)
    try:
        with listening(progress):
            yield
    finally:
        ours.removeHandler(lines)
        progress.flush()


def say_again(said: Mapping[str, Any]) -> None:
    """Say in this process what a worker said."""
    if "advanced" in said:
        for label, items in said["advanced"].items():
            emit(Advanced(label, items))
    else:
        logging.getLogger(said["name"]).log(said["level"], "%s: %s", said["worker"], said["line"])


class _Progress:
    """Adds up progress and sends it now and then."""

    def __init__(self, send: Send) -> None:
        self._send, self._items, self._last = send, Counter[str](), time.monotonic()

    def __call__(self, event: Event) -> None:
        """Add up what happened."""
        if not isinstance(event, Advanced):
            return
        self._items[event.label] += event.items
        if time.monotonic() - self._last >= SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send what was added up."""
        if self._items:
            self._send({"advanced": dict(self._items)})
        self._items.clear()
        self._last = time.monotonic()


class _Lines(logging.Handler):
    """Sends each log line."""

    def __init__(self, send: Send, worker: str) -> None:
        super().__init__()
        self._send, self._worker = send, worker

    def emit(self, record: logging.LogRecord) -> None:
        """Send one line."""
        line = {"name": record.name, "level": record.levelno, "line": record.getMessage()}
        self._send({"worker": self._worker, **line})
