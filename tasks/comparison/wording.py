"""Words that the page, the figures and the terminal share."""

from tasks.comparison.row import Row
from tasks.statistics.drawing import worth_saying
from tasks.statistics.printing import DRAWN, interval, number

NAMES = {"balanced_accuracy": "balanced accuracy", "auroc": "AUROC", "ece": "ECE"}
"""How the scores of prediction are printed."""
MOST_COLUMNS = 5
"""Up to this many arms are table columns. More arms become rows, so that tables fit the page."""


def with_interval(row: Row) -> str:
    """Return ``value [low, high]``, or the value alone if there is no interval.

    The standard error of the metric's own random draws follows if it is large enough to matter.
    """
    drawn = f" {DRAWN} {number(row.monte_carlo)}" if blurred_by_draws(row) else ""
    return interval(row.value, row.low, row.high) + drawn


def blurred_by_draws(row: Row) -> bool:
    """Return whether the error of the metric's own draws exceeds a tenth of the interval's half width."""
    return worth_saying(row.monte_carlo, row.low, row.high)


def difference_label(arm: str, against: str, explainer: str = "", against_explainer: str = "") -> str:
    """Return the label of a difference of two arms, or of two explainers in one arm or in two."""
    if not against_explainer:
        return f"{arm} minus {against}"
    if arm == against:
        return f"{explainer} minus {against_explainer}, {arm}"
    return f"{explainer} in {arm} minus {against_explainer} in {against}"
