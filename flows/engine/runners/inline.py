"""One build after another, in the flow's own thread."""

from collections import deque

from flows.engine.request import BuildRequest
from flows.engine.runners.base import Ended, Lane, Submit


class InlineRunner:
    """Runs each request when it is started."""

    workers = 0

    def __init__(self, submit: Submit, device: str) -> None:
        self._submit, self._device = submit, device
        self._ended: deque[Ended] = deque()

    def has_room(self, lane: Lane) -> bool:
        """Say whether nothing waits to be collected."""
        return not self._ended

    def start(self, request: BuildRequest, lane: Lane) -> bool:
        """Run the request."""
        self._ended.append(Ended(request, self._submit(request.on(self._device))))
        return True

    def wait(self) -> Ended:
        """Return the request that has ended."""
        return self._ended.popleft()

    @property
    def busy(self) -> bool:
        """Whether a request waits to be collected."""
        return bool(self._ended)
