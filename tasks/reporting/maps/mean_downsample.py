"""Means over squares of pixels, of what is known."""

import numpy as np

from tasks.reporting.maps.stitch import RawMap


def mean_downsample(values: RawMap, factor: int) -> RawMap:
    """Return the means over squares of ``factor`` pixels, NaN left out; NaN where nothing else is."""
    if factor == 1:
        return values
    height, width = values.shape
    whole = np.pad(values, ((0, -height % factor), (0, -width % factor)), constant_values=np.nan)
    total = np.zeros((whole.shape[0] // factor, whole.shape[1] // factor))
    count = np.zeros(total.shape)
    # Pixel by pixel of the squares: a sum over two axes of a view takes several times as long.
    for row in range(factor):
        for column in range(factor):
            own = whole[row::factor, column::factor]
            known = np.isfinite(own)
            np.add(total, own, out=total, where=known)
            count += known
    blank = count == 0
    return np.where(blank, np.nan, total / np.where(blank, 1.0, count)).astype(np.float32)
