"""A pyramid made of whole planes at once, as a second implementation."""

import numpy as np
from skimage.measure import block_reduce


def whole_pyramid(planes: np.ndarray, smallest: int = 512) -> list[np.ndarray]:
    """Return float32 ``planes`` [C, H, W], padded with NaN, and copies that are halved again and again."""
    halvings = int(max(0, np.ceil(np.log2(max(planes.shape[1:]) / smallest))))
    rest = [(0, -size % 2**halvings) for size in planes.shape[1:]]
    levels = [np.pad(planes, ((0, 0), *rest), constant_values=np.nan)]
    for _ in range(halvings):
        finite = np.isfinite(levels[-1])
        total = block_reduce(np.where(finite, levels[-1], 0).astype(np.float64), (1, 2, 2), np.sum)
        count = block_reduce(finite.astype(np.float64), (1, 2, 2), np.sum)
        levels.append(np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32))
    return levels
