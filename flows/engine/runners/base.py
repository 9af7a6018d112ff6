"""What runs builds: it takes requests as long as it has room, and says which have ended."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from flows.engine.request import BuildRequest

Lane = Literal["device", "slides", "flow"]
"""What a build occupies: a device slot, a thread that decodes slides, or the flow's own thread."""


@dataclass(frozen=True)
class Ended:
    """A request that has ended, with the error where the build raised one."""

    request: BuildRequest
    error: BaseException | None = None


class Runner(Protocol):
    """Where builds run. Whether one succeeded is read from the store, not from what a runner says."""

    def has_room(self, lane: Lane) -> bool:
        """Say whether another request may start in ``lane`` now."""

    def start(self, request: BuildRequest, lane: Lane) -> bool:
        """Start a request, and say whether it is over already."""

    def wait(self) -> Ended:
        """Return a request that has ended; waits for one."""

    @property
    def busy(self) -> bool:
        """Whether any request has not been returned by :meth:`wait`."""


Submit = Callable[[BuildRequest], BaseException | None]
"""Runs one request as a Prefect task in the calling thread and returns its error."""
