"""A claim of a paper: which arm or explainer should be ahead in which endpoint, named before the run."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.artifacts.faithfulness_report import MODEL
from tasks.comparison.claims.endpoints import PATTERN, endpoint_names
from tasks.comparison.claims.expectation import is_tolerant
from tasks.comparison.row import PERFORMANCE

RESERVED = (PERFORMANCE, MODEL)
"""Take the place of the explainer in an endpoint, but are no explainers."""
Expected = Literal["higher", "lower", "not_lower", "not_higher"]


class Claim(BaseModel):
    """A claim of a paper, as a difference of two arms or of two explainers in one endpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    says: str = Field(min_length=1)
    """The claim in words."""
    source: str = Field(min_length=1)
    """The paper. It has at most one primary claim in a study."""
    arm: str
    against: str
    """The arm that is subtracted. It need not be the reference arm."""
    against_explainer: str | None = None
    """The explainer that is subtracted, if it is not that of the endpoint. Both arms may then be the same."""
    endpoint: Annotated[str, Field(pattern=PATTERN)]
    """``<explainer>/<metric>.<score>``, ``performance/<level>.<score>`` or ``model/<metric>.<score>``.

    A score of removal ends in `` over <control>`` where arms are compared, and may name a class before that:
    ``gap on tumour over optical_density``."""
    expected: Expected
    """Where the endpoint of ``arm`` lies relative to that of ``against``, whichever direction is better."""
    margin: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """In the endpoint's units. For ``higher`` and ``lower``: differences up to it, either way, are as good as
    none, and a claim whose difference lies within it is *equivalent*; 0 names no such margin. For
    ``not_lower`` and ``not_higher``: the difference that is tolerated, above 0."""
    primary: bool = False
    """The main claim of its source. It is tested alone, without correction."""

    @model_validator(mode="after")
    def _can_be_judged(self) -> Self:
        if self.against_explainer in (self.names[0], *RESERVED):
            raise ValueError(
                f"claim {self.id!r} sets explainer {self.names[0]!r} against {self.against_explainer!r}; "
                "name another explainer, or none"
            )
        if self.against_explainer and self.names[0] in RESERVED:
            raise ValueError(
                f"claim {self.id!r} is on {self.names[0]}, where no explainer can be set against"
            )
        if self.arm == self.against and self.against_explainer is None:
            raise ValueError(f"claim {self.id!r} sets arm {self.arm!r} against itself")
        if self.tolerates and not self.margin > 0:
            raise ValueError(
                f"claim {self.id!r} expects {self.expected} and needs a margin above 0: the difference that "
                "is tolerated"
            )
        return self

    @property
    def tolerates(self) -> bool:
        """Whether the claim is that nothing is lost, rather than that something is gained."""
        return is_tolerant(self.expected)

    @property
    def names(self) -> tuple[str, str, str]:
        """(explainer, metric, score) of the endpoint."""
        return endpoint_names(self.endpoint)

    @property
    def sides(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """The (arm, explainer) that the claim is about, and the one it is compared with."""
        explainer = self.names[0]
        return (self.arm, explainer), (self.against, self.against_explainer or explainer)
