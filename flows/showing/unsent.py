"""What Prefect has not sent yet. Its own end waits for a server that is away, some seconds for every line."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

from prefect._internal.concurrency.services import _QueueServiceBase
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker

PATIENCE_S = 10.0


def send_the_rest(patience: float = PATIENCE_S) -> None:
    """Send events, and log lines, that wait, each as far as the server takes them in ``patience`` seconds."""
    left = list(_under_way())
    for service in (EventsWorker, APILogWorker):
        # Its end could be asked for without a limit of time only.
        sending = threading.Thread(target=service.drain_all, kwargs={"timeout": patience}, daemon=True)
        sending.start()
        sending.join(patience + 1)
    _cancel(left)


def drop_the_rest() -> None:
    """Forget events and log lines that wait, as nobody takes them."""
    _cancel(list(_under_way()))


def _under_way() -> Iterator[tuple[asyncio.AbstractEventLoop, "asyncio.Task[None]"]]:
    services: tuple[_QueueServiceBase[Any], ...] = tuple(vars(_QueueServiceBase)["_instances"].values())
    for service in services:
        if isinstance(service, EventsWorker | APILogWorker) and service._loop and service._task:
            yield service._loop, service._task


def _cancel(tasks: list[tuple[asyncio.AbstractEventLoop, "asyncio.Task[None]"]]) -> None:
    for loop, task in tasks:
        if not task.done() and not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)
