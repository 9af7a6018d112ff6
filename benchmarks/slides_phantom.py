"""A large slide made from a small one: blocks of its tissue, here and there on missing tiles."""

from collections.abc import Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from tasks.slides.level_region import Rgb

_TILE, _BLOCK = 256, 4096
_MPP = 0.25
_DOWNSAMPLES = (1, 4, 16)


def write_large(path: Path, tissue: Rgb, blocks: tuple[int, int], tissue_fraction: float) -> Path:
    """Write a slide of ``blocks`` (across, down) squares of 4096 px; a fraction of them holds tissue.

    Args:
        path: the file.
        tissue: uint8 [4096, 4096, 3], what every block of tissue shows.
        blocks: blocks side by side and one below the other; 24 x 24 are 98,304 px square.
        tissue_fraction: fraction of the blocks with tissue; the others are missing tiles.
    """
    with_tissue = np.random.default_rng(0).random((blocks[1], blocks[0])) < tissue_fraction
    with_tissue[blocks[1] // 2, blocks[0] // 2] = True
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        for downsample in _DOWNSAMPLES:
            side = _BLOCK // downsample
            level = np.asarray(Image.fromarray(tissue).reduce(downsample))
            writer.write(
                _tiles(level, with_tissue),
                shape=(blocks[1] * side, blocks[0] * side, 3),
                dtype=np.uint8,
                tile=(_TILE, _TILE),
                photometric="rgb",
                compression="jpeg",
                subfiletype=int(downsample > 1),
                metadata=None,
                resolution=(1e4 / (_MPP * downsample),) * 2,
                resolutionunit="CENTIMETER",
            )
    return path


def _tiles(level: Rgb, with_tissue: NDArray[np.bool_]) -> Iterator[bytes]:
    """Yield the compressed tiles of a level, row by row; missing ones are empty."""
    each = len(level) // _TILE
    encoded = [
        [
            imagecodecs.jpeg8_encode(
                np.ascontiguousarray(level[y : y + _TILE, x : x + _TILE]), level=80, subsampling="420"
            )
            for x in range(0, len(level), _TILE)
        ]
        for y in range(0, len(level), _TILE)
    ]
    for row in with_tissue:
        for y in range(each):
            for tissue in row:
                for x in range(each):
                    yield encoded[y][x] if tissue else b""
