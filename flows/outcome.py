"""How a study ended: what was made, what failed and why, where to look."""

from pydantic import BaseModel, ConfigDict

from flows.carry_out import Progressing
from flows.session import UsageError


class PartsFailedError(Exception):
    """Some parts failed; the others are finished and kept."""


class TooManyFailedSlidesError(PartsFailedError):
    """More slides failed than the study puts up with."""


class Outcome(BaseModel):
    """The end of a study run: small, and the same whether read by a person or by Prefect."""

    model_config = ConfigDict(frozen=True)

    study: str
    executed: tuple[str, ...]
    reused: int
    failed_slides: dict[str, str]
    comparison: str | None = None
    """The comparison's reference, as text."""
    review: str | None = None
    """The review page's reference, as text."""
    recording: str | None = None


def settle(state: Progressing) -> Outcome:
    """Return the outcome of a study whose failures it puts up with.

    Raises:
        PartsFailedError: naming every failed part that is no tolerated slide.
    """
    fatal = {label: why for label, why in state.failed.items() if not label.startswith("tile/")}
    if fatal:
        listed = "\n".join(f"  {label}: {why}" for label, why in fatal.items())
        raise PartsFailedError(f"{len(fatal)} parts failed, the others are kept:\n{listed}")
    known = state.known
    return Outcome(
        study=state.session.config.study,
        executed=tuple(state.executed),
        reused=len(known) - len(state.executed),
        failed_slides=failed_slides(state),
        comparison=str(known["compare"]) if "compare" in known else None,
        review=str(known["review"]) if "review" in known else None,
        recording=str(known["record"]) if "record" in known else None,
    )


def failed_slides(state: Progressing) -> dict[str, str]:
    """Return {slide_id: reason} of the slides that could not be tiled."""
    return {k.removeprefix("tile/"): why for k, why in state.failed.items() if k.startswith("tile/")}


def refuse_untiled(state: Progressing) -> None:
    """Refuse ``--only`` on a cohort that was never tiled: leaving slides out would change what is trained.

    Raises:
        UsageError: naming the first slide.
    """
    slides = [row.slide_id for row in state.session.slides]
    missing = [s for s in slides if f"tile/{s}" not in {*state.known, *state.failed}]
    if missing and state.session.orders.only not in (None, "tile"):
        others = f" (nor are {len(missing) - 1} others)" if len(missing) > 1 else ""
        raise UsageError(f"the tiles of slide {missing[0]} are not in the store{others}; run the study first")


def refuse_too_many(state: Progressing) -> None:
    """End the study where more slides failed than it puts up with.

    Raises:
        TooManyFailedSlidesError: naming each slide with its reason.
    """
    failed, slides = failed_slides(state), state.session.slides
    allowed = state.session.config.failures.max_failed_slides
    if len(failed) > allowed * len(slides):
        listed = "\n".join(f"  {slide}: {why}" for slide, why in failed.items())
        raise TooManyFailedSlidesError(
            f"{len(failed)} of {len(slides)} slides failed, "
            f"failures.max_failed_slides allows {allowed:.0%}:\n{listed}"
        )
