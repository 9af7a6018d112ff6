"""Linear imputation as its definition reads, one image at a time, by a direct sparse solver."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import spsolve

NEIGHBOURS = [
    (y, x, 1 / 6 if y * x == 0 else 1 / 12) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)
]


def directly(image: NDArray[np.float64], removed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return one image [C, H, W] with the removed pixels [H, W] as means of the neighbours they have."""
    rows, columns, values = [], [], []
    right = np.zeros((int(removed.sum()), len(image)))
    number = np.full(removed.shape, -1)
    number[removed] = np.arange(removed.sum())
    for y, x in np.argwhere(removed):
        near = [(y + i, x + j, weight) for i, j, weight in NEIGHBOURS]
        near = [n for n in near if 0 <= n[0] < removed.shape[0] and 0 <= n[1] < removed.shape[1]]
        total = sum(weight for _, _, weight in near)
        entries = [(number[y, x], 1.0)]
        for i, j, weight in near:
            if removed[i, j]:
                entries.append((number[i, j], -weight / total))
            else:
                right[number[y, x]] += weight / total * image[:, i, j]
        for column, value in entries:
            rows.append(number[y, x])
            columns.append(column)
            values.append(value)
    matrix = csc_matrix((values, (rows, columns)), shape=(len(right), len(right)))
    result = image.copy()
    result[:, removed] = spsolve(matrix, right).reshape(len(right), -1).T
    return result
