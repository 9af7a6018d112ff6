"""Looks at a server while a run is shown in it, so that the run never waits for one that is away."""

import logging
import threading
from types import TracebackType

from flows.showing.address import silence_of

PERIOD_S = 5.0
_SILENT = "no answer in time"

_log = logging.getLogger("veritile.study")


def goes_on(url: str, why: str) -> str:
    """Return the sentence about a server that is away."""
    return f"Prefect at {url} does not answer ({why}): the run goes on, and its parts are not shown there"


class ServerWatch:
    """Says whether a server is away; asks it every few seconds in a thread of its own.

    Args:
        url: of the API.
        period: seconds between two looks, ``PERIOD_S`` by default.
    """

    def __init__(self, url: str, period: float | None = None) -> None:
        self._url, self._period = url, PERIOD_S if period is None else period
        self._silent_before = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep_looking, name="prefect-watch", daemon=True)
        self.away = False

    def __enter__(self) -> "ServerWatch":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Look once more, where that matters: what follows is sent to the server only if it answers now."""
        self._stopped.set()
        if kind is None or issubclass(kind, Exception):
            why = silence_of(self._url)
            self._note(silence_of(self._url) if why == _SILENT else why, at_once=True)

    def look(self) -> None:
        """Ask the server once, and say it when it went away or came back."""
        self._note(silence_of(self._url), at_once=False)

    def _keep_looking(self) -> None:
        while not self._stopped.wait(self._period):
            self.look()

    def _note(self, why: str, *, at_once: bool) -> None:
        # A busy server is late now and then; a refusal is certain.
        doubtful = why == _SILENT and not self._silent_before and not at_once
        self._silent_before = why == _SILENT
        if doubtful or bool(why) == self.away:
            return
        self.away = bool(why)
        if self.away:
            _log.warning(goes_on(self._url, why))
        else:
            _log.info("Prefect at %s answers again: further parts are shown there", self._url)
