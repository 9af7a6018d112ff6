"""The section on claims: one line per claim, primary claims first."""

import math
from collections import Counter

from tasks.comparison.claims.claim import Claim
from tasks.comparison.claims.verdict import VERDICTS
from tasks.comparison.page.reading import spreads
from tasks.comparison.row import Row
from tasks.comparison.rows.claims import SECONDARY
from tasks.comparison.summary import ComparisonSummary
from tasks.comparison.wording import difference_label, with_interval
from tasks.statistics.printing import number, table

_HEAD = (
    "paper", "claim", "endpoint", "difference", "p", "detectable", "sd: seed / cluster / both", "verdict",
    "why",
)  # fmt: skip


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
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS)


def _line(claim: Claim, row: Row) -> tuple[str, ...]:
    said = difference_label(row.arm, row.against, row.explainer, row.against_explainer)
    return (
        claim.source,
        f"{'**primary** ' if claim.primary else ''}{claim.id}: {claim.says}",
        f"{claim.endpoint}, {_expected(claim)}",
        f"{said}: {with_interval(row)}{_means(row)}",
        number(row.p_holm),
        number(row.detectable),
        spreads(row),
        f"**{row.verdict}**",
        _why(row),
    )


def _why(row: Row) -> str:
    """Return the reason, where its sides stand to the controls, and what would narrow the interval."""
    beside = f"as levels: {row.flag}" if row.flag else ""
    return ". ".join(part for part in (row.reason, beside, row.narrows) if part)


def _expected(claim: Claim) -> str:
    """Return in words what is claimed about the difference."""
    word = claim.expected.replace("_", " ")
    if claim.tolerates:
        return f"{word} by more than {number(claim.margin)}"
    return word + (f"; within {number(claim.margin)} of 0 as good as none" if claim.margin else "")


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
        "by seed and unit, and every word comes after correction: a primary claim (one per paper) is tested",
        f"alone, the p of all others are corrected together (Holm, {len(tests)} tests).",
        f"*Reproduced*: p is below {level} and the difference lies on the expected side; *reversed*: the",
        "same on the other side. *Equivalent*: two one-sided tests place it within the margin that the claim",
        "named. *Cannot tell*: neither. *Not tested*: the training did not move what it is meant to move.",
        "A claim that nothing is lost is tested against the tolerated difference instead of 0.",
        "*Detectable*: the smallest true difference that a study like this one finds with a power of 0.8 by",
        "these rules. *sd*: the standard deviation between seeds, between clusters, and of both together.",
        "*As levels*: where the maps of a side stand to controls; it does not void a difference of arms.",
    ]
    return [" ".join(part for part in said if part)]
