"""Claims as rows: a paired difference of two arms, tested in its family, with what became of it."""

from collections.abc import Iterable
from dataclasses import replace

from tasks.comparison.claim import Claim
from tasks.comparison.endpoints import PERFORMANCE
from tasks.comparison.rows import Row
from tasks.comparison.verdict import NOT_INFORMATIVE, verdict_on

SECONDARY = "claims"
"""The family of all secondary claims."""


def as_claim(difference: Row, claim: Claim) -> Row:
    """Return the row of ``claim`` from the difference of its arms.

    A primary claim is a family by itself, all secondary ones together are another. A claim that nothing is
    lost is judged by its interval, not by the test of no difference, and belongs to none.
    """
    family = "" if claim.tolerates else f"claim {claim.id}" if claim.primary else SECONDARY
    return replace(
        difference,
        kind="claim",
        family=family,
        claim=claim.id,
        expected=claim.expected,
        margin=claim.margin,
    )


def unanswered(claims: Iterable[Claim], rows: list[Row]) -> list[Row]:
    """Return an empty row for each claim that ``rows`` do not answer, with the reason."""
    answered = {row.claim for row in rows if row.kind == "claim"}
    return [_empty(claim, rows) for claim in claims if claim.id not in answered]


def judged(rows: list[Row], claims: Iterable[Claim], confidence: float) -> list[Row]:
    """Return ``rows`` with flags and verdicts on the claims; p must have been corrected before.

    The claims come last: the primary ones, then the others, both in the order of ``claims``.
    """
    flags = {(row.name, row.arm): row.flag for row in rows if row.kind == "faithfulness" and row.flag}
    tests = sum(row.family == SECONDARY and row.p == row.p for row in rows)
    found = {row.claim: _judged(row, flags, confidence, tests) for row in rows if row.kind == "claim"}
    ordered = sorted(claims, key=lambda claim: not claim.primary)
    return [*(row for row in rows if row.kind != "claim"), *(found[claim.id] for claim in ordered)]


def _judged(row: Row, flags: dict[tuple[str, str], str], confidence: float, tests: int) -> Row:
    verdict, reason = verdict_on(row, confidence, tests if row.family == SECONDARY else 1)
    flag = _flag(row, flags)
    if flag:
        reason = f"{flag}. The number alone would say: {verdict}, {reason}"
        verdict = NOT_INFORMATIVE
    return replace(row, verdict=verdict, reason=reason, flag=flag)


def _flag(row: Row, flags: dict[tuple[str, str], str]) -> str:
    """Return why the endpoint is no evidence in either arm."""
    said = {arm: flags[row.name, arm] for arm in (row.arm, row.against) if (row.name, arm) in flags}
    if len(said) == 2 and len(set(said.values())) == 1:
        return said[row.arm]
    return "; ".join(f"{arm}: {flag}" for arm, flag in said.items())


def _empty(claim: Claim, rows: list[Row]) -> Row:
    explainer, metric, score = claim.parts
    shown = "" if explainer == PERFORMANCE else explainer
    have = {row.arm for row in rows if row.name == claim.endpoint}
    lacking = [arm for arm in (claim.arm, claim.against) if arm not in have]
    row = Row(
        kind="claim",
        arm=claim.arm,
        against=claim.against,
        explainer=shown,
        metric=metric,
        score=score,
        value=float("nan"),
        reason=f"{claim.endpoint} was not evaluated for {' and '.join(lacking)}",
    )
    return replace(as_claim(row, claim), family="")
