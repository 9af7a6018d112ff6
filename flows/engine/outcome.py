"""How a study ended: what was made, what failed and why, where to look."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from flows.engine.resolve import RunState, tolerated
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.spec import Reference

if TYPE_CHECKING:
    from flows.engine.execute import RunResult


RECORD = ArtifactKey("record")


class ArtifactsFailedError(Exception):
    """Some artifacts failed; the others are stored."""


class TooManyFailedSlidesError(ArtifactsFailedError):
    """More slides failed than the study tolerates."""


class StoppedRunError(ArtifactsFailedError):
    """The disk cannot take what is written, so nothing further was started."""


class NotRecordedError(ArtifactsFailedError):
    """Everything else is made and stored, but MLflow does not have the study. ``outcome`` holds the rest."""

    def __init__(self, sentence: str, outcome: "Outcome") -> None:
        super().__init__(sentence, outcome)  # both, so that it pickles
        self.outcome = outcome

    def __str__(self) -> str:
        return str(self.args[0])


class Outcome(BaseModel):
    """The end of a study run: small, and the same whether read by a person or by Prefect.

    ``executed`` holds labels, in the order in which the artifacts were made. ``not_made`` names, with the
    reason, what failed before and was not tried, and what could not be made because of a tolerated slide,
    beyond what is of that slide alone.
    """

    model_config = ConfigDict(frozen=True)

    study: str
    executed: tuple[str, ...]
    reused: int
    failed_slides: dict[str, str]
    not_made: dict[str, str] = {}
    comparison: Reference | None = None
    review: Reference | None = None
    recording: Reference | None = None


def settle(result: "RunResult") -> Outcome:
    """Return the outcome of a study whose failures it tolerates.

    Raises:
        StoppedRunError: the disk cannot take what is written.
        ArtifactsFailedError: naming every failed artifact that is no tolerated slide, with what waits for it.
        NotRecordedError: the recording failed, and nothing else.
    """
    state = result.state
    if result.stopped is not None:
        raise StoppedRunError(f"{result.stopped}{_left(result)}")
    fatal = {k: why for k, why in state.failed.items() if not tolerated(k) and k not in state.recalled}
    unrecorded = fatal.pop(RECORD, None)
    if fatal and unrecorded is not None:
        fatal[RECORD] = unrecorded
    if fatal:
        waiting = Counter(state.blocked.values())
        listed = "\n".join(f"  {key}: {why}{_waiting(waiting[key])}" for key, why in fatal.items())
        raise ArtifactsFailedError(f"{len(fatal)} artifacts failed, the others are stored:\n{listed}")
    lost = {k: cause for k, cause in state.blocked.items() if tolerated(cause) and k.slide != cause.slide}
    whole = [key for key in lost if not key.coordinates]
    if whole:
        cause, listed = lost[whole[0]], " and ".join(map(str, whole))
        raise ArtifactsFailedError(
            f"{listed} could not be made: the failed slides are tolerated, but too little is left without "
            f"{cause} ({state.failed[cause]})"
        )
    outcome = _outcome(result, lost)
    if unrecorded is not None:
        raise NotRecordedError(
            "everything else is made and stored, but the study is not recorded in MLflow; `veritile record` "
            f"records it once that can be used: {unrecorded}",
            outcome,
        )
    return outcome


def _outcome(result: "RunResult", lost: Mapping[ArtifactKey, ArtifactKey]) -> Outcome:
    state, references = result.state, result.state.references
    return Outcome(
        study=result.plan.study.name,
        executed=tuple(key.label for key in result.executed),
        reused=len(references) - len(result.executed),
        failed_slides=state.failed_slides,
        not_made=_not_made(state, lost),
        comparison=references.get(ArtifactKey("compare")),
        review=references.get(ArtifactKey("review")),
        recording=references.get(RECORD),
    )


def _not_made(state: RunState, lost: Mapping[ArtifactKey, ArtifactKey]) -> dict[str, str]:
    before = {
        key.label: f"it failed before: {state.failed[key]}" for key in state.failed if key in state.recalled
    }
    return before | {key.label: f"nothing is left of it without {cause}" for key, cause in lost.items()}


def _left(result: "RunResult") -> str:
    """Return how many artifacts wait for the disk, and what failed for another reason, for a sentence."""
    state = result.state
    failed = {k: why for k, why in state.failed.items() if k not in state.recalled}
    listed = "".join(f"\n  {key} failed for another reason: {why}" for key, why in failed.items())
    return f"{_waiting(result.waiting)}{listed}"


def _waiting(count: int) -> str:
    return f" ({count} {'artifact waits' if count == 1 else 'artifacts wait'} for it)" if count else ""
