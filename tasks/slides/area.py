"""The mean of the area that each pixel of a smaller, or larger, picture covers."""

from functools import lru_cache

import numpy as np
from PIL import Image
from scipy.sparse import csr_matrix

from tasks.slides.level_region import Rgb

_ON_THE_PIXEL = 1e-3


def average_area(pixels: Rgb, box: tuple[float, float, float, float], size: tuple[int, int]) -> Rgb:
    """Return the part of a picture inside ``box`` at ``size``, each pixel the mean of what it covers.

    A source pixel that is covered in part counts with that part. Ratios of 1, 2, 4, 8 on whole pixels take
    the mean of whole blocks, which is faster and the same.

    Args:
        pixels: uint8 [H, W, 3].
        box: left, top, right and bottom in pixels; fractions allowed, inside the picture.
        size: width and height of the result.

    Returns:
        uint8 [height, width, 3], rounded to the nearest value, halves up.

    Example:
        >>> import numpy as np
        >>> row = np.array([[[0] * 3, [100] * 3, [200] * 3]], np.uint8)
        >>> average_area(row, (0.0, 0.0, 3.0, 1.0), (2, 1))[0, :, 0].tolist()
        [33, 167]
    """
    blocks = _blocks(box, size)
    if blocks is not None:
        left, top, right, bottom = (round(edge) for edge in box)
        return np.asarray(Image.fromarray(pixels).reduce(blocks, box=(left, top, right, bottom)))
    height, width = pixels.shape[:2]
    down = _weights(height, box[1], box[3] - box[1], size[1])
    across = _weights(width, box[0], box[2] - box[0], size[0])
    lines = down @ pixels.reshape(height, -1).astype(np.float32)
    columns = np.ascontiguousarray(lines.reshape(size[1], width, 3).swapaxes(0, 1))
    means = across @ columns.reshape(width, -1)
    means += np.float32(0.5)
    rounded: Rgb = means.astype(np.uint8).reshape(size[0], size[1], 3).swapaxes(0, 1)
    return rounded


def _blocks(box: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[int, int] | None:
    """Return width and height of the blocks of pixels that become one pixel; None where they are not whole.

    Blocks of other sides than powers of two are none of Pillow's: it multiplies with a rounded inverse, and a
    mean that is whole, or half, then comes out one too low.
    """
    left, top, right, bottom = box
    across, down = (right - left) / size[0], (bottom - top) / size[1]
    values = (left, top, across, down)
    if max(abs(value - round(value)) for value in values) * max(size) > _ON_THE_PIXEL:
        return None
    blocks = max(1, round(across)), max(1, round(down))
    return blocks if all(side & (side - 1) == 0 for side in blocks) else None


@lru_cache(maxsize=512)
def _weights(pixels: int, start: float, length: float, out: int) -> csr_matrix:
    """Return [out, pixels]: how much of each output pixel each source pixel covers; rows add up to 1."""
    edges = start + length * np.arange(out + 1) / out
    edges = edges.clip(0, pixels)
    most = int(np.ceil(length / out)) + 1
    index = np.floor(edges[:-1]).astype(np.int32)[:, None] + np.arange(most, dtype=np.int32)
    covered = np.minimum(index + 1, edges[1:, None]) - np.maximum(index, edges[:-1, None])
    covered = covered.clip(0, None)
    covered /= covered.sum(axis=1, keepdims=True)
    rows = np.arange(out + 1, dtype=np.int32) * most
    index = index.clip(0, pixels - 1)
    return csr_matrix((covered.astype(np.float32).ravel(), index.ravel(), rows), shape=(out, pixels))
