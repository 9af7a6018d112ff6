"""How arms are compared."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class ComparisonRecipe(BaseModel):
    """What the comparison rests on.

    Attributes:
        reference_arm: the arm that the others are compared with; None: the first arm.
        primary: the one endpoint named before the run, ``<explainer>/<metric>.<score>`` or
            ``performance/<tile|slide>.<score>``; the rest is secondary. None: all is.
        draws: bootstrap draws.
        seed: seed of the draws.
        confidence: coverage of the intervals.
        top_share: a slide's score is the mean target probability of this share of its tiles, the highest.
        calibration_bins: equal bins of the expected calibration error.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference_arm: str | None = None
    primary: Annotated[str, Field(pattern=r"^[\w-]+/[\w-]+\.[\w-]+$")] | None = None
    draws: int = Field(default=10_000, ge=100)
    seed: int = 0
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    top_share: float = Field(default=0.1, gt=0, le=1)
    calibration_bins: int = Field(default=15, ge=2)
