"""The section ``compare`` of a study file."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.comparison.claims.claim import RESERVED, Claim
from tasks.comparison.claims.endpoints import (
    PATTERN,
    ScoreNames,
    refuse_bare,
    refuse_stranger,
    refuse_unknown,
)


class ComparisonRecipe(BaseModel):
    """How the arms are compared.

    Attributes:
        reference_arm: the arm that the others are compared with. None: the first arm.
        reference_explainer: the explainer that the others are compared with in each arm. None: explainers
            are not compared with one another.
        primary: the one endpoint named before the run, ``<explainer>/<metric>.<score>``,
            ``performance/<tile|slide>.<score>`` or ``model/<metric>.<score>``. A score of removal may end in
            `` on <class>`` and ends in `` over <control>``. All others are secondary. None: there is no
            primary endpoint.
        claims: claims of papers, each a difference of two arms or explainers in one endpoint.
        confidence: coverage of the intervals.
        calibration_bins: number of equal bins of the expected calibration error.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference_arm: str | None = None
    reference_explainer: str | None = None
    primary: Annotated[str, Field(pattern=PATTERN)] | None = None
    claims: tuple[Claim, ...] = ()
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    calibration_bins: int = Field(default=15, ge=2)

    @model_validator(mode="after")
    def _claims_are_told_apart(self) -> Self:
        twice = _repeated(claim.id for claim in self.claims)
        if twice:
            raise ValueError(f"ids of claims must be unique, but {twice!r} is listed more than once")
        paper = _repeated(claim.source for claim in self.claims if claim.primary)
        if paper:
            raise ValueError(f"source {paper!r} has more than one primary claim; name the one that counts")
        return self

    def refuse_unknown(self, arms: Collection[str], known: ScoreNames) -> None:
        """Check that a study with ``arms`` and the ``known`` endpoints has everything that is named here.

        Raises:
            ValueError: the study has no such arm or endpoint. The message names the nearest one it has.
        """
        if self.primary is not None:
            refuse_unknown("compare.primary", self.primary, known)
            refuse_bare("compare.primary", self.primary, known)
        explainers = [name for name in known if name not in RESERVED]
        if self.reference_explainer is not None:
            refuse_stranger("compare.reference_explainer: no explainer", self.reference_explainer, explainers)
        for claim in self.claims:
            if claim.against_explainer is not None:
                said = f"claim {claim.id!r}: no explainer to be set against"
                refuse_stranger(said, claim.against_explainer, explainers)
            refuse_unknown(f"claim {claim.id!r}: endpoint", claim.endpoint, known)
            if claim.arm != claim.against:
                refuse_bare(f"claim {claim.id!r}: endpoint", claim.endpoint, known)
            for arm in (claim.arm, claim.against):
                refuse_stranger(f"claim {claim.id!r}: no arm", arm, arms)


def _repeated(values: Iterable[str]) -> str | None:
    return next((value for value, count in Counter(values).items() if count > 1), None)
