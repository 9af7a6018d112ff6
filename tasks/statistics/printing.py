"""Numbers and tables for people, in markdown and pictures."""

import math
from collections.abc import Iterable, Sequence

ARROWS = {"higher": "↑", "lower": "↓", "none": ""}
"""Which way is better."""
DASH = "\N{EN DASH}"
"""Printed where there is no number."""
MINUS = "\N{MINUS SIGN}"
DRAWN = "\N{PLUS-MINUS SIGN}"
"""Printed before a Monte Carlo error."""
FLAGGED = "\N{DAGGER}"
"""Marks a score that a control equals or beats."""


def number(value: float) -> str:
    """Return three decimals, or three digits for small values; a dash for NaN."""
    if math.isnan(value):
        return DASH
    if value == 0 or 0.001 <= abs(value) < 1000:
        return f"{value:.3f}".replace("-", MINUS)
    return f"{value:.2e}".replace("-", MINUS)


def interval(value: float, low: float, high: float) -> str:
    """Return ``value [low, high]``, or the value alone where there is no interval."""
    return number(value) if math.isnan(low) else f"{number(value)} [{number(low)}, {number(high)}]"


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a markdown table."""
    lines = [_line(head), _line(["---"] * len(head))]
    return lines + [_line(cells) for cells in body]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
