"""Growing and shrinking masks by squares, in a few passes over whole rows and columns."""

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]


def grown(mask: Bools, reach: int) -> Bools:
    """Return what lies within ``reach`` pixels of ``mask`` along both axes, bool [h, w]."""
    return _along(_along(mask, reach, 0, np.logical_or), reach, 1, np.logical_or)


def shrunk(mask: Bools, reach: int) -> Bools:
    """Return the pixels whose neighbours up to ``reach`` are all in ``mask``; the edge shrinks nothing."""
    return _along(_along(mask, reach, 0, np.logical_and), reach, 1, np.logical_and)


def opened(mask: Bools, reach: int = 1) -> Bools:
    """Return ``mask`` without what is narrower than ``2 * reach + 1`` pixels."""
    return grown(shrunk(mask, reach), reach)


def closed(mask: Bools, reach: int) -> Bools:
    """Return ``mask`` with gaps narrower than ``2 * reach + 1`` pixels filled."""
    return shrunk(grown(mask, reach), reach)


def _along(mask: Bools, reach: int, axis: int, combine: np.ufunc) -> Bools:
    """Combine each pixel with its neighbours along one axis; the reach triples from one pass to the next."""
    result, done = mask, 0
    while done < reach:
        step = min(2 * done + 1, reach - done)
        before, after = np.moveaxis(result, axis, 0), np.moveaxis(result.copy(), axis, 0)
        combine(after[step:], before[:-step], out=after[step:])
        combine(after[:-step], before[step:], out=after[:-step])
        result, done = np.moveaxis(after, 0, axis), done + step
    return result
