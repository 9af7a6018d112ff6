"""A percentile of absolute values that are seen once and not kept: counts in fine bins."""

import numpy as np
from numpy.typing import NDArray

_DROPPED_BITS = 14
ROUNDING = 2.0 ** (_DROPPED_BITS - 23)
"""A percentile is above the exact one by at most this share of it (0.2 %)."""


class AbsHistogram:
    """Counts |value| by its leading bits as a float32; zeros and what is not finite are left out.

    The bit pattern of a positive float32 grows with its value, so its first 17 bits are bins of equal
    relative width over all magnitudes, known before any value is seen. 1 MB, however many values.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(1 << (31 - _DROPPED_BITS), np.int64)

    def add(self, values: NDArray[np.float32]) -> None:
        """Count ``values`` of any shape."""
        known = np.abs(values[np.isfinite(values) & (values != 0)], dtype=np.float32)
        bins = (known.view(np.uint32) >> _DROPPED_BITS).astype(np.int64)
        self._counts += np.bincount(bins, minlength=len(self._counts))

    def add_all(self, other: "AbsHistogram") -> None:
        """Count all that ``other`` counted."""
        self._counts += other._counts

    @property
    def count(self) -> int:
        """How many values were counted."""
        return int(self._counts.sum())

    def percentile(self, percent: float) -> float:
        """Return the upper edge of the bin that holds the smallest value which ``percent`` do not exceed.

        0.0 where nothing was counted.
        """
        if not self.count:
            return 0.0
        rank = max(1, int(np.ceil(percent / 100 * self.count)))
        found = int(np.searchsorted(np.cumsum(self._counts), rank))
        return float(np.uint32((found + 1) << _DROPPED_BITS).view(np.float32))
