"""A low-resolution picture of a whole slide that tolerates unreadable regions."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.slides.errors import SlideError
from tasks.slides.pixels import Rgb, Window

_BLOCK_LEVEL0 = 4096
_SMALLEST_LEVEL0 = 64
_PATIENCE = 500

ReadWindow = Callable[[Window, tuple[int, int]], Rgb]
"""Reads a window (level-0 pixels) at a size (width, height) or raises SlideError."""


@dataclass(frozen=True)
class Overview:
    """The whole finest level at low resolution.

    Attributes:
        pixels: uint8 [h, w, 3]; what could not be read is white.
        readable: bool [h, w]; False where the file is damaged.
        downsample_x: level-0 pixels per pixel along x (real ratio).
        downsample_y: level-0 pixels per pixel along y (real ratio).
        reason: why the first damaged place could not be read; "" where all could.
    """

    pixels: Rgb
    readable: NDArray[np.bool_]
    downsample_x: float
    downsample_y: float
    reason: str


def read_overview(read: ReadWindow, slide_size: tuple[int, int], size: tuple[int, int]) -> Overview:
    """Read a slide of ``slide_size`` level-0 pixels as a picture of ``size`` (both width, height).

    It is read in blocks, so that memory does not grow with the slide; a block that cannot be read is
    quartered until the damaged place is narrowed down to about 64 level-0 pixels, which stay white.
    After 500 failures no block is quartered any more: each costs a reopened file.
    """
    scale = (slide_size[0] / size[0], slide_size[1] / size[1])
    pixels = np.full((size[1], size[0], 3), 255, dtype=np.uint8)
    readable = np.ones((size[1], size[0]), dtype=np.bool_)
    step = max(1, int(_BLOCK_LEVEL0 / max(scale)))
    smallest = max(1, int(_SMALLEST_LEVEL0 / max(scale)))
    waiting = _blocks((0, 0, size[0], size[1]), step)
    reasons: list[str] = []
    while waiting:
        left, top, width, height = block = waiting.pop()
        area = (slice(top, top + height), slice(left, left + width))
        window = Window(left * scale[0], top * scale[1], width * scale[0], height * scale[1])
        try:
            pixels[area] = read(window, (width, height))
        except SlideError as error:
            reasons.append(str(error))
            smaller = max(width, height) // 2
            if smaller >= smallest and len(reasons) < _PATIENCE:
                waiting.extend(_blocks(block, smaller))
            else:
                readable[area] = False
    return Overview(pixels, readable, *scale, reasons[0] if reasons else "")


def _blocks(area: tuple[int, int, int, int], step: int) -> list[tuple[int, int, int, int]]:
    left, top, width, height = area
    return [
        (x, y, min(step, left + width - x), min(step, top + height - y))
        for y in range(top, top + height, step)
        for x in range(left, left + width, step)
    ]
