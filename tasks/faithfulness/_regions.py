"""Regions of a tile that are removed as a whole: squares of a grid, or superpixels."""

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.segmentation import slic
from torch import Tensor

from tasks.functional.ranking import descending_ranks, tie_keys
from tasks.functional.whole_numbers import whole_numbers

Regions = Literal["grid", "superpixels"]

_PURPOSE = "regions"
_COMPACTNESS = 20.0
_SMOOTHING_PX = 1.0
"""With lower values, specks of stain merge over half a tile. Chosen by eye on H&E tiles of lymph node."""


def grid_regions(height: int, width: int, region_px: int) -> Tensor:
    """Return int64 [H, W], the number of each pixel's square; those at the far edges may be smaller."""
    rows, columns = torch.arange(height) // region_px, torch.arange(width) // region_px
    return rows[:, None] * (columns[-1] + 1) + columns


def superpixels(pixels: NDArray[Any], region_px: int) -> Tensor:
    """Return int64 [n, H, W], the superpixel of each pixel, numbered from 0 in each tile.

    SLIC (Achanta et al. 2012) on the host, one tile after the other, without a draw. How many there are
    depends on the tile.

    Args:
        pixels: [n, H, W, 3], uint8 or float in [0, 1].
        region_px: root of the mean area aimed at.
    """
    count = max(1, round(pixels.shape[1] * pixels.shape[2] / region_px**2))
    labels = [
        slic(tile, n_segments=count, compactness=_COMPACTNESS, sigma=_SMOOTHING_PX, start_label=0)
        for tile in pixels
    ]
    return torch.from_numpy(np.stack(labels).astype(np.int64))


def region_ranks(values: Tensor, regions: Tensor, count: int, seed: int, keys: Tensor) -> Tensor:
    """Return float64 [n, P]: the mean rank of each pixel's region, highest mean first.

    All pixels of a region have the mean of their ranks, from 0. So a region is entirely within the first k
    ranks or not, the number of pixels within them differs from k by at most half a region, and the reverse
    order splits at the same regions. Ties between regions are broken by a secondary key, which depends on
    (seed, tile key) alone.

    Args:
        values: float [n, P], finite.
        regions: int64 [n, P], the region of each pixel, below ``count``.
        count: number of regions of the tile with the most; other tiles may have fewer.
        seed: of the ties.
        keys: int64 [n], of the tiles.
    """
    sizes = _sums(torch.ones_like(regions), regions, count)
    means = _sums(whole_numbers(values), regions, count) / sizes.clamp(min=1).double()
    ranks = descending_ranks(means, tie_keys(seed, keys, _PURPOSE, count))
    queue = torch.empty_like(sizes).scatter_(1, ranks, sizes)
    before = (queue.cumsum(1) - queue).gather(1, ranks)
    return (before + (sizes.double() - 1) / 2).gather(1, regions)


def _sums(values: Tensor, regions: Tensor, count: int) -> Tensor:
    return values.new_zeros(len(values), count).scatter_add_(1, regions, values)
