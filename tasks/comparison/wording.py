"""What is compared, in words."""

from tasks.comparison.row import Row
from tasks.statistics.drawing import worth_saying
from tasks.statistics.printing import DRAWN, interval, number

NAMES = {"balanced_accuracy": "balanced accuracy", "auroc": "AUROC", "ece": "ECE"}
"""How the figures of prediction are written."""
MOST_COLUMNS = 5
"""Arms are columns up to this many; more are rows, so that tables stay as wide as a page."""


def with_interval(row: Row) -> str:
    """Return ``value [low, high]``, or the value alone where there is no interval.

    What the metric's own draws leave in the mean stands behind, where it is large enough to matter.
    """
    drawn = f" {DRAWN} {number(row.monte_carlo)}" if blurred_by_draws(row) else ""
    return interval(row.value, row.low, row.high) + drawn


def blurred_by_draws(row: Row) -> bool:
    """Say whether the error of the metric's own draws is above a tenth of the interval's half width."""
    return worth_saying(row.monte_carlo, row.low, row.high)


def difference_label(arm: str, against: str, explainer: str = "", against_explainer: str = "") -> str:
    """Return in words what is taken off what: an arm, or an explainer, of one arm or of two."""
    if not against_explainer:
        return f"{arm} less {against}"
    if arm == against:
        return f"{explainer} less {against_explainer}, {arm}"
    return f"{explainer} in {arm} less {against_explainer} in {against}"
