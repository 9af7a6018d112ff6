"""The flow of a study: called, it is shown in Prefect if a server is there, and runs in any case."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from prefect import tags
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectNotFound
from prefect.flows import Flow
from prefect.settings import (
    PREFECT_API_REQUEST_TIMEOUT,
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    temporary_settings,
)

from flows.engine.kept import Kept
from flows.engine.outcome import Outcome
from flows.showing.address import server_of, silence_of
from flows.showing.stale import connected, process_tag
from flows.showing.unsent import PATIENCE_S, drop_the_rest, send_the_rest
from flows.showing.watch import goes_on

_SHORT_S = 2.0
_SOON = {PREFECT_API_REQUEST_TIMEOUT: 20.0, PREFECT_CLIENT_MAX_RETRIES: 2}
"""A server that hangs when the run is created is waited for a minute, where Prefect would wait for seven."""

_log = logging.getLogger("veritile.study")


@dataclass
class _BodyEnd:
    """What became of the flow's own function, whatever Prefect makes of it."""

    begun: bool = False
    outcome: Outcome | None = None
    error: Exception | None = None


_body: ContextVar[_BodyEnd | None] = ContextVar("body", default=None)


class ShownFlow(Flow[Any, Outcome]):
    """A flow whose result does not depend on a server."""

    def call(self, home: Path, parameters: dict[str, Any]) -> Outcome:
        """Run the flow, as a Prefect flow run where a server answers.

        Raises:
            ParameterTypeError: a parameter is of the wrong type.
        """
        if FlowRunContext.get() is not None:
            return self.engine_call(parameters)
        parameters = self.validate_parameters(parameters)
        url = server_of(home)
        if url is None:
            return self.fn_call(parameters)
        why = silence_of(url) or _refusal_of(url)
        if why:
            _log.warning(goes_on(url, why))
            return self.fn_call(parameters)
        with temporary_settings({PREFECT_API_URL: url, **_SOON}), tags(process_tag()):
            return self._shown(url, parameters)

    def _shown(self, url: str, parameters: dict[str, Any]) -> Outcome:
        body = _BodyEnd()
        token = _body.set(body)
        with Kept() as kept, _sent_in_the_end(url):
            try:
                return self.engine_call(parameters)
            finally:
                _body.reset(token)
        if body.outcome is not None:
            _log.debug("Prefect could not be told of the end: %s", kept.error)
            return body.outcome
        if body.error is not None:
            raise body.error
        assert kept.error is not None
        if body.begun or not _is_of_the_server(kept.error):
            raise kept.error
        _log.warning(goes_on(url, str(kept.error)))
        return self.fn_call(parameters)

    def engine_call(self, parameters: dict[str, Any]) -> Outcome:
        """Run the flow in Prefect's engine."""
        outcome: Outcome = Flow.__call__(self, **parameters)
        return outcome

    def fn_call(self, parameters: dict[str, Any]) -> Outcome:
        """Run the flow's own function."""
        outcome: Outcome = self.fn(**parameters)
        return outcome


@contextmanager
def kept_body() -> Iterator[Callable[[Outcome], None]]:
    """Keep what becomes of the function of a :class:`ShownFlow` while the block, its whole body, runs."""
    body = _body.get() or _BodyEnd()
    body.begun = True

    def end(outcome: Outcome) -> None:
        body.outcome = outcome

    with Kept() as kept:
        yield end
    if kept.error is not None:
        body.error = kept.error
        raise kept.error


@contextmanager
def _sent_in_the_end(url: str) -> Iterator[None]:
    """Send what waits when the block ends, but wait little where the server is away or the process ends."""
    patience = _SHORT_S
    try:
        yield
        patience = PATIENCE_S
    finally:
        if silence_of(url, _SHORT_S):
            drop_the_rest()
        else:
            send_the_rest(patience)


def _refusal_of(url: str) -> str:
    """Return why Prefect cannot work with the server; empty where it can."""
    try:
        with connected(url) as client:
            client.raise_for_api_version_mismatch_once()
    except (RuntimeError, httpx.HTTPError) as error:  # Prefect wraps most of them
        return str(error)
    return ""


def _is_of_the_server(error: Exception) -> bool:
    return isinstance(error, httpx.HTTPError | ObjectNotFound) or (
        isinstance(error, RuntimeError) and isinstance(error.__cause__, httpx.HTTPError)
    )
