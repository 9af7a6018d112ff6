"""Which of two figures is better, and when a control takes the evidence away."""

from collections.abc import Sequence


def better(one: float, other: float, direction: str) -> bool:
    """Say whether ``one`` is strictly better than ``other``; never so where neither end is better."""
    if direction == "higher":
        return one > other
    return direction == "lower" and one < other


def equals_or_beats(control: float, value: float, direction: str) -> bool:
    """Say whether a control does as well as ``value`` or better; one without a number beats nobody."""
    told = control == control and value == value and direction != "none"
    return told and not better(value, control, direction)


def flag_of(winners: Sequence[str]) -> str:
    """Return why a figure is no evidence here; empty where no control equals or beats it."""
    return f"not informative here: {', '.join(winners)} does as well or better" if winners else ""
