"""ROAD's linear system solved directly, one image at a time, as its published definition reads."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

_NEAR = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]


def solved_directly(image: NDArray[np.float32], removed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return [C, H, W]: each removed pixel of an image is the weighted mean of its neighbours.

    1/6 beside, 1/12 diagonal, over the sum of the weights that lie inside the image. The matrix is put
    together whole, without a loop over pixels, and factorised once for all channels (SuperLU).
    """
    height, width = removed.shape
    rows, columns = np.nonzero(removed)
    number = np.full(removed.shape, -1)
    number[removed] = np.arange(len(rows))
    total = np.zeros(len(rows))
    known = np.zeros((len(rows), len(image)))
    entries: list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]] = []
    for y, x in _NEAR:
        weight = 1 / 6 if y * x == 0 else 1 / 12
        there, across = rows + y, columns + x
        inside = np.flatnonzero((there >= 0) & (there < height) & (across >= 0) & (across < width))
        total[inside] += weight
        there, across = there[inside], across[inside]
        open_ends = removed[there, across]
        fixed = inside[~open_ends]
        known[fixed] += weight * image[:, there[~open_ends], across[~open_ends]].T
        unknown = inside[open_ends]
        entries.append((unknown, number[there[open_ends], across[open_ends]], np.full(len(unknown), -weight)))
    entries.append((np.arange(len(rows)), np.arange(len(rows)), total))
    first, second, values = (np.concatenate(part) for part in zip(*entries, strict=True))
    matrix = coo_matrix((values, (first, second)), shape=(len(rows), len(rows))).tocsc()
    result = image.astype(np.float64)
    result[:, removed] = spsolve(matrix, known).reshape(len(rows), -1).T
    return result
