"""The Monte Carlo error of a mean score, from the metric's own random draws."""

import numpy as np
from numpy.typing import NDArray

from tasks.statistics.two_way import Floats

_WORTH_SAYING = 0.1


def monte_carlo_error(errors: Floats, scored: NDArray[np.bool_]) -> float:
    """Return the standard error that the draws alone leave in the mean over all units and seeds.

    Units have independent draws, so variances add up: the root of the sum of squares, over the number of
    scores. Networks of different training seeds get the same draws but respond differently, and count as
    independent too. The interval already includes this error.

    Args:
        errors: float [S, N], the standard error of each score; NaN where nothing was drawn.
        scored: bool [S, N], which scores enter the mean.

    Returns:
        NaN where no score of the mean has an error.
    """
    known = errors[scored & np.isfinite(errors)]
    return float(np.sqrt((known**2).sum()) / scored.sum()) if len(known) else float("nan")


def worth_saying(error: float, low: float, high: float) -> bool:
    """Return whether the Monte Carlo error exceeds a tenth of the interval's half width.

    False without an error or an interval (NaN).
    """
    return error > _WORTH_SAYING * (high - low) / 2
