"""Which of two values is better, and whether a control equals or beats a value."""

from collections.abc import Sequence


def better(one: float, other: float, direction: str) -> bool:
    """Return whether ``one`` is strictly better than ``other``; False without a better direction."""
    if direction == "higher":
        return one > other
    return direction == "lower" and one < other


def equals_or_beats(control: float, value: float, direction: str) -> bool:
    """Return whether a control does as well as ``value`` or better; False if the control is NaN."""
    told = control == control and value == value and direction != "none"
    return told and not better(value, control, direction)


def flag_of(winners: Sequence[str]) -> str:
    """Return why a value is not evidence; empty where no control equals or beats it."""
    return f"not informative here: {', '.join(winners)} does as well or better" if winners else ""
