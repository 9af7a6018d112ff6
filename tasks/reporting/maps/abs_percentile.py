"""Percentiles of absolute values from a histogram, so that the values need not be kept."""

import numpy as np
from numpy.typing import NDArray

_DROPPED_BITS = 14
ROUNDING = 2.0 ** (_DROPPED_BITS - 23)
"""A percentile exceeds the exact one by at most this fraction of it (0.2 %)."""


class AbsHistogram:
    """A histogram of |value| over the leading bits of float32; zeros and non-finite values are ignored.

    The bit pattern of a positive float32 grows with its value. Its first 17 bits therefore are bins of equal
    relative width, fixed before any value is seen. It takes 1 MB for any number of values.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(1 << (31 - _DROPPED_BITS), np.int64)

    def add(self, values: NDArray[np.float32]) -> None:
        """Count ``values`` of any shape."""
        counted = np.abs(values[np.isfinite(values) & (values != 0)], dtype=np.float32)
        bins = (counted.view(np.uint32) >> _DROPPED_BITS).astype(np.int64)
        self._counts += np.bincount(bins, minlength=len(self._counts))

    def add_all(self, other: "AbsHistogram") -> None:
        """Add the counts of ``other``."""
        self._counts += other._counts

    @property
    def count(self) -> int:
        """Number of values counted."""
        return int(self._counts.sum())

    def percentile(self, percent: float) -> float:
        """Return the upper edge of the bin that holds the percentile, 0.0 where nothing was counted.

        At least ``percent`` % of the counted values lie at or below it.
        """
        if not self.count:
            return 0.0
        rank = max(1, int(np.ceil(percent / 100 * self.count)))
        position = int(np.searchsorted(np.cumsum(self._counts), rank))
        return float(np.uint32((position + 1) << _DROPPED_BITS).view(np.float32))
