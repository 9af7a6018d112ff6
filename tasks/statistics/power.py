"""How large a difference must be to be found."""

from scipy import stats

POWER = 0.8
"""The probability with which a true difference of the detectable size is found."""


def detectable_difference(error: float, level: float) -> float:
    """Return the smallest true difference found with a power of :data:`POWER`, by the normal law.

    Args:
        error: standard error of the estimated difference.
        level: confidence level of its two-sided interval, such as 0.95.
    """
    reach = stats.norm.isf((1 - level) / 2) + stats.norm.ppf(POWER)
    return float(reach * error)
