"""Which of two values is better, and where an explainer stands to a control."""

from collections.abc import Mapping

AHEAD, BEHIND, NOT_TOLD_APART = "ahead", "behind", "not told apart"


def better(one: float, other: float, direction: str) -> bool:
    """Return whether ``one`` is strictly better than ``other``; False without a better direction."""
    if direction == "higher":
        return one > other
    return direction == "lower" and one < other


def lead(low: float, high: float, direction: str, is_significant: bool = True) -> str:
    """Return where the first side of a paired difference stands: ahead, behind or not told apart.

    Args:
        low: lower bound of the interval of the difference; NaN where there is none.
        high: its upper bound.
        direction: ``higher`` or ``lower`` is better.
        is_significant: whether the difference is, after correction over all controls. It is asked for being
            behind one of several, not for being ahead.
    """
    if better(low if direction == "higher" else high, 0.0, direction):
        return AHEAD
    behind = better(0.0, high if direction == "higher" else low, direction)
    return BEHIND if behind and is_significant else NOT_TOLD_APART


def flag_of(leads: Mapping[str, str]) -> str:
    """Return which controls a score is not ahead of; empty where it is ahead of all.

    ``leads`` maps each control to :func:`lead`.
    """
    parts = [
        f"{words} {', '.join(names)}"
        for word, words in ((BEHIND, "behind"), (NOT_TOLD_APART, "not told apart from"))
        if (names := [name for name, stands in leads.items() if stands == word])
    ]
    return "; ".join(parts)
