"""The rows on claims: a paired difference, tested in its family, with the verdict on the claim."""

from collections.abc import Iterable
from dataclasses import replace

from tasks.comparison.claims.claim import Claim
from tasks.comparison.claims.verdict import NOT_INFORMATIVE, verdict_on
from tasks.comparison.row import PERFORMANCE, Row

SECONDARY = "claims"
"""The family of tests of all secondary claims."""


def as_claim(difference: Row, claim: Claim) -> Row:
    """Return the row of ``claim``, made from the difference of its arms.

    Each primary claim is a family of its own, and all secondary claims together are another. A claim that
    nothing is lost belongs to no family: it is judged by its interval, not by the test of no difference.
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
    """Return an empty row, with the reason, for each claim that ``rows`` do not cover."""
    answered = {row.claim for row in rows if row.kind == "claim"}
    return [_empty(claim, rows) for claim in claims if claim.id not in answered]


def judged(rows: list[Row], claims: Iterable[Claim], confidence: float) -> list[Row]:
    """Return ``rows`` with flags and verdicts on the claims. p must already be corrected.

    The claims come last: first the primary ones, then the others, both in the order of ``claims``.
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
    """Return why the endpoint is no evidence on one side or on both. Empty if it is evidence."""
    other = row.name if not row.against_explainer else replace(row, explainer=row.against_explainer).name
    said = {side: flags[side] for side in ((row.name, row.arm), (other, row.against)) if side in flags}
    if len(said) == 2 and len(set(said.values())) == 1:
        return next(iter(said.values()))
    words = {side: side[1] if not row.against_explainer else " in ".join(side) for side in said}
    return "; ".join(f"{words[side]}: {flag}" for side, flag in said.items())


def _empty(claim: Claim, rows: list[Row]) -> Row:
    explainer, metric, score = claim.names
    shown = "" if explainer == PERFORMANCE else explainer
    have = {(row.arm, row.explainer) for row in rows if (row.metric, row.score) == (metric, score)}
    lacking = [side for side in claim.sides if (side[0], "" if shown == "" else side[1]) not in have]
    row = Row(
        kind="claim",
        arm=claim.arm,
        against=claim.against,
        against_explainer=claim.against_explainer or "",
        explainer=shown,
        metric=metric,
        score=score,
        value=float("nan"),
        reason=_not_evaluated(claim, lacking),
    )
    return replace(as_claim(row, claim), family="")


def _not_evaluated(claim: Claim, lacking: list[tuple[str, str]]) -> str:
    if claim.against_explainer is None:
        return f"{claim.endpoint} was not evaluated for {' and '.join(arm for arm, _ in lacking)}"
    explainers = " and ".join(f"{explainer} in {arm}" for arm, explainer in lacking)
    return f"{claim.endpoint.partition('/')[2]} was not evaluated for {explainers}"
