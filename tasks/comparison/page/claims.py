"""The section on claims: one line per claim, primary claims first."""

import math
from collections import Counter

from tasks.comparison.claims.claim import Claim
from tasks.comparison.claims.verdict import NOT_REPRODUCED, REPRODUCED
from tasks.comparison.page.reading import out_of_reach
from tasks.comparison.row import Row
from tasks.comparison.rows.claims import SECONDARY
from tasks.comparison.summary import ComparisonSummary
from tasks.comparison.wording import difference_label, with_interval
from tasks.statistics.printing import DASH, number, table

_HEAD = ("paper", "claim", "endpoint", "difference", "p", "detectable", "verdict", "why")


def claims_section(summary: ComparisonSummary, rows: list[Row]) -> list[str]:
    """Return the whole section with its heading. Empty if nothing was claimed."""
    found = [row for row in rows if row.kind == "claim"]
    if not found:
        return []
    said = {outcome.claim.id: outcome.claim for outcome in summary.claims}
    body = [_line(said[row.claim], row) for row in found]
    return ["## Claims", "", *_words(summary, found), "", *table(_HEAD, body)]


def verdict_counts(rows: list[Row]) -> str:
    """Return the number of claims per verdict, as half a sentence."""
    counts = Counter(row.verdict for row in rows)
    known = (counts.pop(REPRODUCED, 0), counts.pop(NOT_REPRODUCED, 0))
    return f"{known[0]} reproduced, {known[1]} not reproduced, {sum(counts.values())} cannot tell"


def _line(claim: Claim, row: Row) -> tuple[str, ...]:
    said = difference_label(row.arm, row.against, row.explainer, row.against_explainer)
    return (
        claim.source,
        f"{'**primary** ' if claim.primary else ''}{claim.id}: {claim.says}",
        f"{claim.endpoint}, {_expected(claim)}",
        f"{said}: {with_interval(row)}{_means(row)}",
        number(row.p_holm) if row.family else DASH,
        number(row.detectable),
        f"**{row.verdict}**",
        row.reason,
    )


def _expected(claim: Claim) -> str:
    """Return in words what is claimed about the difference."""
    word = claim.expected.replace("_", " ")
    if claim.tolerates:
        return f"{word} by more than {number(claim.margin)}"
    return word + (f", of interest from {number(claim.margin)}" if claim.margin else "")


def _means(row: Row) -> str:
    if math.isnan(row.mean):
        return ""
    return f" ({number(row.mean)} against {number(row.mean_against)})"


def _words(summary: ComparisonSummary, found: list[Row]) -> list[str]:
    primary = {outcome.claim.id for outcome in summary.claims if outcome.claim.primary}
    parts = {
        "primary": [row for row in found if row.claim in primary],
        "secondary": [row for row in found if row.claim not in primary],
    }
    counts = " ".join(f"{len(part)} {name}: {verdict_counts(part)}." for name, part in parts.items() if part)
    tests = [row for row in found if row.family == SECONDARY]
    level = f"{1 - summary.confidence:.3g}"
    said = [
        f"Named before the run. {counts} Each is the difference of two arms or of two explainers, paired",
        "by seed and unit.",
        f"*Reproduced*: the whole interval lies on the expected side of 0 and p is below {level}.",
        "*Not reproduced*: it lies on the other side, or below the smallest difference of interest.",
        "*Cannot tell*: neither, or a control does as well as the explainer on one of the two sides.",
        "A claim that nothing is lost is judged by the worst end of its interval against the tolerated",
        "difference, and has no p. A primary claim (one per paper) is tested alone. The p of all others are",
        f"corrected together (Holm, {len(tests)} tests).",
        out_of_reach(tests, summary.confidence, "None of these"),
        "*Detectable*: the smallest true difference that is detected with a power of 0.8.",
    ]
    return [" ".join(part for part in said if part)]
