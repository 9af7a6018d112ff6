"""Reading any rectangle of a pyramid at any size, from the right level and to a fraction of a pixel."""

import math
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tasks.slides.geometry import SlideGeometry

Rgb = NDArray[np.uint8]
"""uint8 [H, W, 3], red green blue."""

_WHITE = (255, 255, 255)
_LANCZOS_REACH = 3
_ON_THE_PIXEL = 1e-3


class Window(NamedTuple):
    """A rectangle in level-0 pixels, fractions allowed, which may reach beyond the slide."""

    x: float
    y: float
    width: float
    height: float


class RegionSource(Protocol):
    """What is needed of OpenSlide: a rectangle of one level as RGBA, addressed by whole level-0 pixels."""

    def read_region(self, location: tuple[int, int], level: int, size: tuple[int, int]) -> Image.Image:
        """Return ``size`` (width, height) pixels of ``level``; transparent where the slide has none."""
        ...


def read_window(source: RegionSource, geometry: SlideGeometry, window: Window, size: tuple[int, int]) -> Rgb:
    """Return ``window`` as pixels of ``size`` (width, height); what is transparent or outside is white.

    The coarsest level that holds the asked detail is read. Where its pixels are those asked for they are
    copied byte for byte; else they are resampled (Lanczos, with the neighbouring pixels the filter needs).

    Returns:
        uint8 [height, width, 3].
    """
    level = geometry.best_level(min(window.width / size[0], window.height / size[1]))
    downsample = geometry.level_downsamples[level]
    left, top, width, height = (value / downsample for value in window)
    margin_x = _margin(left, width, size[0], downsample)
    margin_y = _margin(top, height, size[1], downsample)
    first_x, region_left, columns = _span(left, width, margin_x, downsample)
    first_y, region_top, rows = _span(top, height, margin_y, downsample)
    region = _on_white(source.read_region((first_x, first_y), level, (columns, rows)))
    box = (left - region_left, top - region_top, left - region_left + width, top - region_top + height)
    if margin_x == margin_y == 0:
        return np.asarray(region)
    return np.asarray(region.resize(size, Image.Resampling.LANCZOS, box=box))


def _margin(start: float, length: float, out: int, downsample: float) -> int:
    """Return how many level pixels the filter reaches beyond the window; none where pixels are copied."""
    address = start * downsample
    offsets = (length - out, start - round(start), address - round(address))
    if max(map(abs, offsets)) < _ON_THE_PIXEL:
        return 0
    return math.ceil(_LANCZOS_REACH * max(1.0, length / out)) + 1


def _span(start: float, length: float, margin: int, downsample: float) -> tuple[int, float, int]:
    """Return the whole level-0 pixel to address, where that lies in level pixels, and how many to read.

    OpenSlide is addressed in whole level-0 pixels, so a level pixel is met to half a level-0 pixel only;
    the position that was really addressed is returned, and the resampling starts from there.
    """
    if margin == 0:
        return round(round(start) * downsample), round(start), round(length)
    address = round((math.floor(start) - margin) * downsample)
    first = address / downsample
    return address, first, math.ceil(start + length + margin - first)


def _on_white(region: Image.Image) -> Image.Image:
    alpha = region.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return region.convert("RGB")
    page = Image.new("RGB", region.size, _WHITE)
    page.paste(region, mask=alpha)
    return page
