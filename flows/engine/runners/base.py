"""What runs builds: it takes requests as long as it has room, and says which have ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from flows.engine.request import BuildRequest
from tasks.artifacts.key import ArtifactKey

Lane = Literal["device", "slides", "flow"]
"""What a build occupies: a device slot, a thread that decodes slides, or the flow's own thread."""


@dataclass(frozen=True)
class Ended:
    """A request that has ended, with the error where the build raised one."""

    request: BuildRequest
    error: BaseException | None = None


class NotMadeError(Exception):
    """Why artifacts of one request were not made, each with a sentence of its own."""

    def __init__(self, sentences: Mapping[ArtifactKey, str]) -> None:
        super().__init__("; ".join(dict.fromkeys(sentences.values())))
        self.sentences = sentences


def sentence_for(key: ArtifactKey, error: BaseException | None) -> str:
    """Return why the artifact was not made, as far as an error of its request tells."""
    if isinstance(error, NotMadeError):
        return error.sentences.get(key, "it was not stored")
    return "it was not stored" if error is None else str(error) or type(error).__name__


class Runner(Protocol):
    """Where builds run. Whether one succeeded is read from the store, not from what a runner says."""

    @property
    def workers(self) -> int:
        """How many processes small artifacts are dealt out to, in bundles; 0 where none is bundled."""

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
