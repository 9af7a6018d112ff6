"""How a study ended: what was made, what failed and why, where to look."""

from collections import Counter
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from flows.engine.resolve import tolerated
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.spec import Reference

if TYPE_CHECKING:
    from flows.engine.execute import RunResult


class ArtifactsFailedError(Exception):
    """Some artifacts failed; the others are stored."""


class TooManyFailedSlidesError(ArtifactsFailedError):
    """More slides failed than the study tolerates."""


class Outcome(BaseModel):
    """The end of a study run: small, and the same whether read by a person or by Prefect.

    ``executed`` and the keys of failed slides are labels, in the order in which they were made.
    """

    model_config = ConfigDict(frozen=True)

    study: str
    executed: tuple[str, ...]
    reused: int
    failed_slides: dict[str, str]
    comparison: Reference | None = None
    review: Reference | None = None
    recording: Reference | None = None


def settle(result: "RunResult") -> Outcome:
    """Return the outcome of a study whose failures it tolerates.

    Raises:
        ArtifactsFailedError: naming every failed artifact that is no tolerated slide, with what waits for it.
    """
    state = result.state
    fatal = {key: why for key, why in state.failed.items() if not tolerated(key)}
    if fatal:
        waiting = Counter(state.blocked.values())
        listed = "\n".join(f"  {key}: {why}{_waiting(waiting[key])}" for key, why in fatal.items())
        raise ArtifactsFailedError(f"{len(fatal)} artifacts failed, the others are stored:\n{listed}")
    references = state.references
    return Outcome(
        study=result.plan.study.name,
        executed=tuple(key.label for key in result.executed),
        reused=len(references) - len(result.executed),
        failed_slides=state.failed_slides,
        comparison=references.get(ArtifactKey("compare")),
        review=references.get(ArtifactKey("review")),
        recording=references.get(ArtifactKey("record")),
    )


def _waiting(count: int) -> str:
    return f" ({count} {'artifact waits' if count == 1 else 'artifacts wait'} for it)" if count else ""
