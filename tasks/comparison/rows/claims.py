"""The rows on claims: a paired difference, tested in its family, with the verdict on the claim."""

from collections.abc import Iterable
from dataclasses import replace

from tasks.comparison.claims.claim import Claim
from tasks.comparison.claims.verdict import NOT_TESTED, verdict_on
from tasks.comparison.job import ComparisonJob
from tasks.comparison.row import PERFORMANCE, Row
from tasks.comparison.rows.aligned_scores import OVER
from tasks.comparison.rows.estimates import family_sizes
from tasks.comparison.rows.flags import flags_of
from tasks.comparison.rows.treatment import not_measured, not_taken

SECONDARY = "claims"
"""The family of tests of all secondary claims."""


def as_claim(difference: Row, claim: Claim) -> Row:
    """Return the row of ``claim``, made from the difference of its arms.

    Each primary claim is a family of its own, and all secondary claims together are another.
    """
    return replace(
        difference,
        kind="claim",
        family=f"claim {claim.id}" if claim.primary else SECONDARY,
        claim=claim.id,
        expected=claim.expected,
        margin=claim.margin,
    )


def unanswered(claims: Iterable[Claim], rows: list[Row]) -> list[Row]:
    """Return an empty row, with the reason, for each claim that ``rows`` do not cover."""
    answered = {row.claim for row in rows if row.kind == "claim"}
    return [_empty(claim, rows) for claim in claims if claim.id not in answered]


def judged(rows: list[Row], job: ComparisonJob) -> list[Row]:
    """Return ``rows`` with verdicts on the claims. p must already be corrected, and scores flagged.

    The claims come last: first the primary ones, then the others, both in the order of the study file.
    """
    flags, sizes = flags_of(rows), family_sizes(rows)
    found = {
        row.claim: _judged(row, job, rows, (flags, sizes[row.family])) for row in rows if row.kind == "claim"
    }
    ordered = sorted(job.recipe.claims, key=lambda claim: not claim.primary)
    return [*(row for row in rows if row.kind != "claim"), *(found[claim.id] for claim in ordered)]


def _judged(
    row: Row, job: ComparisonJob, rows: list[Row], known: tuple[dict[tuple[str, str], str], int]
) -> Row:
    """Judge a claim. A flag speaks of a level, not of a difference, so it stands beside the verdict."""
    confidence = job.recipe.confidence
    verdict, reason = verdict_on(row, confidence, known[1])
    failed = not_taken(row, job.checks, rows, confidence)
    if failed:
        verdict, reason = NOT_TESTED, f"{failed}. The number alone would say: {verdict}, {reason}"
    unknown = not_measured(row, job.checks)
    reason = f"{reason}; {unknown}" if unknown else reason
    return replace(row, verdict=verdict, reason=reason, flag=_flag(row, known[0]))


def _flag(row: Row, flags: dict[tuple[str, str], str]) -> str:
    """Return which side of the claim is not ahead of every control. Empty if both are."""
    name = row.name.partition(OVER)[0]
    other = replace(row, explainer=row.against_explainer or row.explainer).name.partition(OVER)[0]
    said = {side: flags[side] for side in ((row.arm, name), (row.against, other)) if side in flags}
    words = {
        side: side[0] if not row.against_explainer else f"{side[1].partition('/')[0]} in {side[0]}"
        for side in said
    }
    return "; ".join(f"{words[side]} is {flag}" for side, flag in said.items())


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
