"""Downsampling by means that ignore NaN."""

import numpy as np

from tasks.reporting.arrays import RawMap


def mean_downsample(values: RawMap, factor: int) -> RawMap:
    """Return the means over squares of ``factor`` pixels, NaN ignored; NaN where a square has no value."""
    if factor == 1:
        return values
    height, width = values.shape
    whole = np.pad(values, ((0, -height % factor), (0, -width % factor)), constant_values=np.nan)
    total = np.zeros((whole.shape[0] // factor, whole.shape[1] // factor))
    count = np.zeros(total.shape)
    # One pixel of all squares at a time: a sum over two axes of a view takes several times as long.
    for row in range(factor):
        for column in range(factor):
            pixels = whole[row::factor, column::factor]
            finite = np.isfinite(pixels)
            np.add(total, pixels, out=total, where=finite)
            count += finite
    blank = count == 0
    return np.where(blank, np.nan, total / np.where(blank, 1.0, count)).astype(np.float32)
