"""The verdict on a claim: reproduced, not reproduced or cannot tell, with the reason."""

import math

from tasks.comparison.row import Row
from tasks.statistics.printing import number

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
UNKNOWN = "cannot tell"
NOT_INFORMATIVE = "cannot tell (endpoint not informative here)"
"""A control, which sees no trained model, does as well as the explainer on one of the two sides."""

Verdict = tuple[str, str]
"""The verdict, and the reason in half a sentence."""


def verdict_on(row: Row, confidence: float, tests: int) -> Verdict:
    """Judge a row of kind ``claim`` by its interval and its corrected p.

    Args:
        row: ``expected`` and ``margin`` hold the claim.
        confidence: coverage of the interval. p is significant below 1 - confidence.
        tests: number of tests in the row's family, quoted in the reason.
    """
    missing = _missing(row)
    if missing:
        return UNKNOWN, missing
    sign = 1 if row.expected in ("higher", "not_lower") else -1
    worst, best = sorted((sign * row.low, sign * row.high))
    if row.expected in ("not_lower", "not_higher"):
        return _nothing_lost(row, worst, best, sign)
    if best < 0:
        return NOT_REPRODUCED, f"the whole interval lies {_side(-sign)} 0"
    if best < row.margin:
        return NOT_REPRODUCED, (
            f"the whole interval lies short of {number(sign * row.margin)}, the smallest difference of "
            "interest"
        )
    if worst <= 0:
        return UNKNOWN, f"the interval holds 0{_missed(row)}"
    if row.p_holm < 1 - confidence:
        return REPRODUCED, f"the whole interval lies {_side(sign)} 0"
    return UNKNOWN, f"the interval lies {_side(sign)} 0, but {_p_too_large(row, tests)}"


def code_of(verdict: str) -> float:
    """Return 1 for reproduced, -1 for not reproduced and 0 for all others."""
    return {REPRODUCED: 1.0, NOT_REPRODUCED: -1.0}.get(verdict, 0.0)


def _nothing_lost(row: Row, worst: float, best: float, sign: int) -> Verdict:
    end, bound = number(sign * worst), number(-sign * row.margin)
    if worst >= -row.margin:
        return REPRODUCED, f"the interval's worst end, {end}, is within {bound}"
    if best < -row.margin:
        return NOT_REPRODUCED, f"the whole interval lies beyond {bound}"
    return UNKNOWN, f"the interval's worst end, {end}, is beyond {bound}, but not all of it is"


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
        return "the figure is not defined in enough draws for an interval"
    if row.low == row.high == 0:
        return "both sides agree in every cluster, so nothing shows how far they may differ"
    return ""


def _p_too_large(row: Row, tests: int) -> str:
    corrected = f" after correction over {tests} claims" if tests > 1 else ""
    return (
        f"p = {number(row.p_holm)}{corrected}; the smallest p that {row.clusters} {row.cluster}s can give is "
        f"{number(row.smallest_p)}{', uncorrected' if corrected else ''}"
    )


def _missed(row: Row) -> str:
    """Return how large a true difference must be to be detected, if that is available."""
    return (
        f"; a true difference below {number(row.detectable)} may well be missed" if row.detectable > 0 else ""
    )


def _side(sign: int) -> str:
    return "above" if sign > 0 else "below"
