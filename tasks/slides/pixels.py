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
    """The used part of OpenSlide: a rectangle of one level as RGBA, addressed by whole level-0 pixels."""

    def read_region(self, location: tuple[int, int], level: int, size: tuple[int, int]) -> Image.Image:
        """Return ``size`` (width, height) pixels of ``level``; transparent where the slide has none."""
        ...


def read_window(source: RegionSource, geometry: SlideGeometry, window: Window, size: tuple[int, int]) -> Rgb:
    """Return ``window`` as pixels of ``size`` (width, height); what is transparent or outside is white.

    The coarsest level that holds the asked detail is read. If its pixels match the request they are copied
    byte for byte; otherwise they are resampled (Lanczos, with the neighbouring pixels that the filter needs).

    Returns:
        uint8 [height, width, 3].
    """
    level = geometry.best_level(min(window.width / size[0], window.height / size[1]))
    downsample = geometry.level_downsamples[level]
    left, top, width, height = (value / downsample for value in window)
    across = _span(left, width, size[0], downsample)
    down = _span(top, height, size[1], downsample)
    region = _read_level(source, level, across, down)
    if across.copied and down.copied:
        return np.asarray(region)
    box = (left - across.first, top - down.first, left - across.first + width, top - down.first + height)
    return np.asarray(region.resize(size, Image.Resampling.LANCZOS, box=box))


class _Span(NamedTuple):
    """What to read along one axis.

    Attributes:
        address: the whole level-0 pixel to ask for, never negative.
        first: where the region begins, in level pixels.
        outside: level pixels of the region that lie before the slide begins.
        pixels: level pixels to read after those.
        copied: whether the pixels match the request.
    """

    address: int
    first: float
    outside: int
    pixels: int
    copied: bool


def _span(start: float, length: float, out: int, downsample: float) -> _Span:
    """Return what to read for ``length`` level pixels from ``start``, with what the filter reaches beyond.

    OpenSlide is addressed in whole level-0 pixels, so a level pixel is met to half a level-0 pixel only;
    the position that is really addressed is returned, and the resampling starts from there. Before the
    slide's edge OpenSlide drops the fraction of a level pixel, so nothing is asked of it there.
    """
    margin = _margin(start, length, out, downsample)
    begin = math.floor(start + _ON_THE_PIXEL) - margin
    outside = max(0, -begin)
    address = round(max(0, begin) * downsample)
    first = -float(outside) if outside else address / downsample
    end = math.ceil(start + length - _ON_THE_PIXEL) + margin
    return _Span(address, first, outside, max(0, math.ceil(end - first) - outside), margin == 0)


def _read_level(source: RegionSource, level: int, across: _Span, down: _Span) -> Image.Image:
    region = Image.new("RGB", (across.outside + across.pixels, down.outside + down.pixels), _WHITE)
    if across.pixels and down.pixels:
        read = source.read_region((across.address, down.address), level, (across.pixels, down.pixels))
        region.paste(read, (across.outside, down.outside), mask=read.getchannel("A"))
    return region


def _margin(start: float, length: float, out: int, downsample: float) -> int:
    """Return how many level pixels the filter reaches beyond the window; none where pixels are copied."""
    address = start * downsample
    offsets = (length - out, start - round(start), address - round(address))
    if max(map(abs, offsets)) < _ON_THE_PIXEL:
        return 0
    return math.ceil(_LANCZOS_REACH * max(1.0, length / out)) + 1
