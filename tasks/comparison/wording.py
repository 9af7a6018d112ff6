"""Numbers and tables as markdown."""

import math
from collections.abc import Iterable, Sequence

from tasks.comparison.rows import Row
from tasks.statistics.drawing import worth_saying

ARROWS = {"higher": "↑", "lower": "↓", "none": ""}
"""Which way is better."""
NAMES = {"balanced_accuracy": "balanced accuracy", "auroc": "AUROC", "ece": "ECE"}
"""How the figures of prediction are written."""
DASH = "\N{EN DASH}"
"""Stands where there is no figure."""
MINUS = "\N{MINUS SIGN}"
MOST_COLUMNS = 5
"""Arms are columns up to this many; more are rows, so that tables stay as wide as a page."""
DRAWN = "\N{PLUS-MINUS SIGN}"
"""Stands before the error that the metric's own random draws leave in a mean."""
FLAGGED = "\N{DAGGER}"
"""Marks a score that a control equals or beats in the same arm."""


def number(value: float) -> str:
    """Return three decimals, or three digits where those would say nothing; a dash for NaN."""
    if math.isnan(value):
        return DASH
    if value == 0 or 0.001 <= abs(value) < 1000:
        return f"{value:.3f}".replace("-", MINUS)
    return f"{value:.2e}".replace("-", MINUS)


def with_interval(row: Row) -> str:
    """Return ``value [low, high]``, or the value alone where there is no interval.

    What the metric's own draws leave in the mean stands behind, where it is large enough to matter.
    """
    if math.isnan(row.low):
        return number(row.value)
    drawn = f" {DRAWN} {number(row.monte_carlo)}" if blurred_by_draws(row) else ""
    return f"{number(row.value)} [{number(row.low)}, {number(row.high)}]{drawn}"


def blurred_by_draws(row: Row) -> bool:
    """Say whether the error of the metric's own draws is above a tenth of the interval's half width."""
    return worth_saying(row.monte_carlo, row.low, row.high)


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a markdown table."""
    lines = [_line(head), _line(["---"] * len(head))]
    return lines + [_line(cells) for cells in body]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def taken_off(arm: str, against: str, explainer: str = "", against_explainer: str = "") -> str:
    """Return in words what is taken off what: an arm, or an explainer, of one arm or of two."""
    if not against_explainer:
        return f"{arm} less {against}"
    if arm == against:
        return f"{explainer} less {against_explainer}, {arm}"
    return f"{explainer} in {arm} less {against_explainer} in {against}"
