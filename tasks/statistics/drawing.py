"""The error that a metric's own random draws leave in a mean of its scores."""

import numpy as np
from numpy.typing import NDArray

from tasks.statistics.bootstrap import Floats

_WORTH_SAYING = 0.1


def monte_carlo_error(errors: Floats, scored: NDArray[np.bool_]) -> float:
    """Return the standard error of the mean over all scored units and seeds that comes from draws alone.

    Units are drawn for by themselves, so variances add up: the root of the sum of squares, over the number of
    scores. Networks of different training seeds are asked with the same draws but answer differently; they
    count as independent too. It is a part of what the bootstrap's interval holds, not an addition to it.

    Args:
        errors: float [S, N], the standard error of each score; NaN where nothing was drawn.
        scored: bool [S, N], which scores enter the mean.

    Returns:
        NaN where no score of the mean has an error.
    """
    known = errors[scored & np.isfinite(errors)]
    return float(np.sqrt((known**2).sum()) / scored.sum()) if len(known) else float("nan")


def worth_saying(error: float, low: float, high: float) -> bool:
    """Say whether the error of a metric's own draws is above a tenth of the interval's half width.

    Never so where there is no error or no interval (NaN).
    """
    return error > _WORTH_SAYING * (high - low) / 2
