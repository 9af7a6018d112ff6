"""Holm's correction: the chance of any false claim in a family stays below the level."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return the corrected p-values in the order given; NaN (no test) stays NaN and is not counted.

    Source: Holm (1979), "A simple sequentially rejective multiple test procedure".
    """
    given = np.asarray(p_values, dtype=np.float64)
    corrected = np.full_like(given, np.nan)
    tested = np.flatnonzero(~np.isnan(given))
    order = tested[np.argsort(given[tested], kind="stable")]
    steps = given[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected
