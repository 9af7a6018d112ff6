"""The verdict on a claim: one of five words, with the reason. Every word comes after Holm's correction."""

import math

from tasks.comparison.claims.expectation import is_tolerant, null_of, sign_of, trained_once
from tasks.comparison.row import Row
from tasks.statistics.printing import number

REPRODUCED = "reproduced"
REVERSED = "reversed"
"""The difference lies on the other side, by the same test."""
EQUIVALENT = "equivalent"
"""The difference lies within the margin that was named before the run."""
UNKNOWN = "cannot tell"
NOT_TESTED = "not tested"
"""The training did not move what it is meant to move, so the claim about it was not put to a test."""
VERDICTS = (REPRODUCED, REVERSED, EQUIVALENT, UNKNOWN, NOT_TESTED)

Verdict = tuple[str, str]
"""The verdict, and the reason in half a sentence."""


def verdict_on(row: Row, confidence: float, tests: int) -> Verdict:
    """Judge a row of kind ``claim`` by its corrected p.

    Args:
        row: ``expected`` and ``margin`` hold the claim.
        confidence: coverage of the interval. p is significant below 1 - confidence.
        tests: number of tests in the row's family, quoted in the reason.
    """
    missing = _missing(row)
    if missing:
        return UNKNOWN, missing
    level = 1 - confidence
    if row.p_within_holm < level:
        bounds = f"{number(-row.margin)} and {number(row.margin)}"
        return EQUIVALENT, f"the difference lies between {bounds}, {_p(row.p_within_holm, tests)}"
    sign, null = sign_of(row.expected), null_of(row)
    beyond = sign * (row.value - null)
    if row.p_holm < level:
        side = "above" if row.value > null else "below"
        verdict = REPRODUCED if beyond > 0 else REVERSED
        return verdict, f"the difference lies {side} {number(null)}, {_p(row.p_holm, tests)}"
    return UNKNOWN, f"{_holds(row, null)}, {_p(row.p_holm, tests)}{_missed(row)}"


def code_of(verdict: str) -> float:
    """Return 1 for reproduced, -1 for reversed and 0 for all others."""
    return {REPRODUCED: 1.0, REVERSED: -1.0}.get(verdict, 0.0)


def _missing(row: Row) -> str:
    """Return why no verdict is possible. Empty if one is."""
    if row.reason:
        return row.reason
    if not row.units or not row.seeds:
        return "no unit is scored on both sides with the same seed"
    if math.isnan(row.value):
        return "the figure is not defined on these units"
    if not row.cluster:
        return row.note
    if math.isnan(row.low):
        return f"the figure is not defined without one of the {row.cluster}s, so there is no interval"
    if row.low == row.high:
        return "both sides differ by the same in every cluster, so nothing shows how far they may differ"
    if trained_once(row):
        return "each arm was trained once, so nothing shows how far training again would move it"
    return ""


def _holds(row: Row, null: float) -> str:
    inside = row.low <= null <= row.high
    return f"the interval {'holds' if inside else 'leaves out'} {number(null)}"


def _p(p: float, tests: int) -> str:
    return f"p = {number(p)}{f' after correction over {tests} claims' if tests > 1 else ''}"


def _missed(row: Row) -> str:
    """Return how large a true difference must be to be found, if that is available."""
    if is_tolerant(row.expected) or not row.detectable > 0:
        return ""
    return f"; a true difference below {number(row.detectable)} may well be missed"
