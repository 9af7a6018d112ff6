"""A claim: which arm, or which explainer, should be ahead of which in what; said before the run."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.artifacts.faithfulness_report import MODEL
from tasks.comparison.claims.endpoints import PATTERN, parts_of
from tasks.comparison.row import PERFORMANCE

RESERVED = (PERFORMANCE, MODEL)
"""Stand where an endpoint names its explainer, and are none."""
Expected = Literal["higher", "lower", "not_lower", "not_higher"]


class Claim(BaseModel):
    """What a paper says, as a difference of two arms, or of two explainers, in one endpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    says: str = Field(min_length=1)
    """The claim in words."""
    source: str = Field(min_length=1)
    """The paper; it has at most one primary claim in a study."""
    arm: str
    against: str
    """The arm that is taken off; any, not only the reference arm."""
    against_explainer: str | None = None
    """The explainer that is taken off, where it is not that of the endpoint; the arms may then be one."""
    endpoint: Annotated[str, Field(pattern=PATTERN)]
    """``<explainer>/<metric>.<score>``, ``performance/<level>.<score>`` or ``model/<metric>.<score>``."""
    expected: Expected
    """How the endpoint of ``arm`` lies to that of ``against``, whichever of the two is better."""
    margin: float = Field(default=0.0, ge=0)
    """In the endpoint's units. ``higher``, ``lower``: the smallest difference of interest. ``not_lower``,
    ``not_higher``: the difference that is put up with, above 0."""
    primary: bool = False
    """The one claim of its source that stands for it: tested alone, uncorrected."""

    @model_validator(mode="after")
    def _can_be_judged(self) -> Self:
        if self.against_explainer in (self.parts[0], *RESERVED):
            raise ValueError(
                f"claim {self.id!r} sets explainer {self.parts[0]!r} against {self.against_explainer!r}; "
                "name another explainer, or none"
            )
        if self.against_explainer and self.parts[0] in RESERVED:
            raise ValueError(
                f"claim {self.id!r} is on {self.parts[0]}, where no explainer can be set against"
            )
        if self.arm == self.against and self.against_explainer is None:
            raise ValueError(f"claim {self.id!r} sets arm {self.arm!r} against itself")
        if self.tolerates and not self.margin > 0:
            raise ValueError(
                f"claim {self.id!r} expects {self.expected} and needs a margin above 0: the difference that "
                "is put up with"
            )
        return self

    @property
    def tolerates(self) -> bool:
        """Whether the claim is that nothing is lost, not that something is gained."""
        return self.expected in ("not_lower", "not_higher")

    @property
    def parts(self) -> tuple[str, str, str]:
        """(explainer, metric, score) of the endpoint."""
        return parts_of(self.endpoint)

    @property
    def sides(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """The (arm, explainer) of whom something is claimed, and that it is set against."""
        explainer = self.parts[0]
        return (self.arm, explainer), (self.against, self.against_explainer or explainer)
