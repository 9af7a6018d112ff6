"""Small slides with known content, written in the test that needs them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

PINK = (200, 110, 170)
GLASS = (245, 243, 246)


def write_slide(
    path: Path,
    level0: np.ndarray,
    level_sizes: Sequence[tuple[int, int]] = (),
    mpp: float | None = 0.5,
    compression: str = "deflate",
) -> Path:
    """Write ``level0``, uint8 [h, w, 3], and smaller levels of (width, height) as a tiled TIFF."""
    image = Image.fromarray(level0)
    levels = [level0] + [np.asarray(image.resize(size, Image.Resampling.BOX)) for size in level_sizes]
    with tifffile.TiffWriter(path) as writer:
        for number, level in enumerate(levels):
            scale = level0.shape[1] / level.shape[1]
            writer.write(
                level,
                tile=(128, 128),
                photometric="rgb",
                compression=compression,
                subfiletype=int(number > 0),
                metadata=None,
                resolution=None if mpp is None else (1e4 / (mpp * scale),) * 2,
                resolutionunit=None if mpp is None else "CENTIMETER",
            )
    return path


def glass(width: int, height: int) -> np.ndarray:
    """Return an empty slide, uint8 [height, width, 3]."""
    return np.full((height, width, 3), GLASS, dtype=np.uint8)


def with_tissue(level0: np.ndarray, *boxes: tuple[int, int, int, int]) -> np.ndarray:
    """Fill boxes (left, top, right, bottom) of level-0 pixels with tissue, in place."""
    for left, top, right, bottom in boxes:
        level0[top:bottom, left:right] = PINK
    return level0


def noise(width: int, height: int, seed: int = 0) -> np.ndarray:
    """Return random pixels: no two places look alike."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def break_tile(path: Path, number: int) -> None:
    """Overwrite the compressed bytes of one tile of level 0 in the middle of the file."""
    with tifffile.TiffFile(path) as slide:
        page = slide.pages[0]
        offset, count = page.dataoffsets[number], page.databytecounts[number]
    with path.open("r+b") as stream:
        stream.seek(offset)
        stream.write(b"\xff" * count)
