"""Reading any rectangle of a pyramid at any size, from the right level and to a fraction of a pixel."""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

from tasks.slides.area import average_area
from tasks.slides.geometry import SlideGeometry
from tasks.slides.level_region import LevelRegion, RegionSource
from tasks.slides.level_region import Rgb as Rgb

Resample = Literal["lanczos", "area"]
"""How pixels are resampled: with Lanczos' filter, or to the mean of the area that each pixel covers."""

Kind = Literal["lanczos", "area", "picture"]
"""A picture of a slide is resampled like ``lanczos``. Where it shrinks by more than four times, whole blocks
are averaged before: the eye sees no difference, and it takes a third of the time."""

_WHITE = 255
_GAP = 2.0
"""How much Lanczos' filter is left to shrink a picture, at least."""

_REACH: dict[Kind, int] = {"lanczos": 3, "area": 0, "picture": 3}
"""Output pixels, or source pixels where these are larger, that a filter reaches beyond its own."""

_ON_THE_PIXEL = 1e-3


class Window(NamedTuple):
    """A rectangle in level-0 pixels, fractions allowed, which may reach beyond the slide."""

    x: float
    y: float
    width: float
    height: float


def read_window(
    source: RegionSource,
    geometry: SlideGeometry,
    window: Window,
    size: tuple[int, int],
    resample: Kind = "lanczos",
) -> Rgb:
    """Return ``window`` as pixels of ``size`` (width, height); what is transparent or outside is white.

    The coarsest level that holds the asked detail is read. If its pixels match the request they are copied
    byte for byte; otherwise they are resampled, with the neighbouring pixels that the filter needs.

    Returns:
        uint8 [height, width, 3].
    """
    plan = plan_window(geometry, window, size, resample)
    return plan.finish(None if plan.region is None else source.region(plan.region))


@dataclass(frozen=True)
class WindowPlan:
    """What to read for a window, and what to do with it.

    Attributes:
        region: the rectangle to read; None where the window lies outside the slide.
        outside: columns and rows of white before the region.
        canvas: width and height of the region with what is white before it.
        box: the window in pixels of the canvas: left, top, right, bottom.
        copied: whether the canvas is the result.
        size: width and height of the result.
        resample: how the canvas becomes the result.
    """

    region: LevelRegion | None
    outside: tuple[int, int]
    canvas: tuple[int, int]
    box: tuple[float, float, float, float]
    copied: bool
    size: tuple[int, int]
    resample: Kind

    def finish(self, read: Rgb | None) -> Rgb:
        """Return the window, uint8 [height, width, 3], from the pixels of ``region``."""
        canvas = self._canvas(read)
        if self.copied:
            return canvas
        if self.resample == "area":
            return average_area(canvas, self.box, self.size)
        gap = _GAP if self.resample == "picture" else None
        image = Image.fromarray(canvas)
        return np.asarray(image.resize(self.size, Image.Resampling.LANCZOS, box=self.box, reducing_gap=gap))

    def _canvas(self, read: Rgb | None) -> Rgb:
        if read is not None and self.outside == (0, 0):
            return read
        width, height = self.canvas
        canvas = np.full((height, width, 3), _WHITE, np.uint8)
        if read is not None:
            canvas[self.outside[1] :, self.outside[0] :] = read
        return canvas


def plan_window(geometry: SlideGeometry, window: Window, size: tuple[int, int], resample: Kind) -> WindowPlan:
    """Return what to read for ``window`` at ``size`` (width, height)."""
    level = geometry.best_level(min(window.width / size[0], window.height / size[1]))
    downsample = geometry.level_downsamples[level]
    left, top, width, height = (value / downsample for value in window)
    across = _span((left, width), size[0], downsample, _REACH[resample])
    down = _span((top, height), size[1], downsample, _REACH[resample])
    region = None
    if across.pixels and down.pixels:
        region = LevelRegion(across.address, down.address, level, across.pixels, down.pixels)
    x, y = left - across.first, top - down.first
    return WindowPlan(
        region=region,
        outside=(across.outside, down.outside),
        canvas=(across.outside + across.pixels, down.outside + down.pixels),
        box=(x, y, x + width, y + height),
        copied=across.copied and down.copied,
        size=size,
        resample=resample,
    )


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


def _span(line: tuple[float, float], out: int, downsample: float, reach: int) -> _Span:
    """Return what to read for a line (start, length) of level pixels, with what the filter reaches beyond.

    OpenSlide is addressed in whole level-0 pixels, so a level pixel is met to half a level-0 pixel only;
    the position that is really addressed is returned, and the resampling starts from there. Before the
    slide's edge OpenSlide drops the fraction of a level pixel, so nothing is asked of it there.
    """
    start, length = line
    margin = _margin(line, out, downsample, reach)
    begin = math.floor(start + _ON_THE_PIXEL) - margin
    outside = max(0, -begin)
    address = round(max(0, begin) * downsample)
    first = -float(outside) if outside else address / downsample
    end = math.ceil(start + length - _ON_THE_PIXEL) + margin
    return _Span(address, first, outside, max(0, math.ceil(end - first) - outside), margin == 0)


def _margin(line: tuple[float, float], out: int, downsample: float, reach: int) -> int:
    """Return how many level pixels the filter reaches beyond the window; none where pixels are copied."""
    start, length = line
    address = start * downsample
    offsets = (length - out, start - round(start), address - round(address))
    if max(map(abs, offsets)) < _ON_THE_PIXEL:
        return 0
    return math.ceil(reach * max(1.0, length / out)) + 1
