"""Pages: pictures laid out in whole pixels, without any resampling of their own."""

import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import patheffects
from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import IdentityTransform
from numpy.typing import NDArray
from PIL import Image

from tasks.reporting.arrays import Rgb

_DPI = 100
_POINTS_PER_PIXEL = 72 / _DPI
_COMPRESSION = 4
_LINE = 1.45
"""Line spacing, in font sizes."""
INK = "#1a1a1a"
SOFT = "#5c5c5c"
Box = tuple[float, float, float, float]
"""Left, top, width and height in pixels, from the upper left corner of the page."""


class Page:
    """A white page of ``width`` x ``height`` pixels."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._paper: Rgb = np.full((height, width, 3), 255, np.uint8)
        self._figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)

    def picture(self, box: Box, image: Rgb, *, smooth: bool = True) -> "PlacedPicture":
        """Fill ``box`` with ``image``, resized if needed, and return the frame to draw in."""
        left, top, width, height = (round(side) for side in box)
        shown = _resized(image, width, height, smooth=smooth)
        self._paper[top : top + height, left : left + width] = shown
        return PlacedPicture(self, left, top, width / image.shape[1], height / image.shape[0])

    def line(self, points: NDArray[np.float64], width: float, halo: float = 0.0, colour: str = INK) -> None:
        """Draw a line through ``points`` [n, 2] of (x, y) pixels, with ``halo`` white pixels per side."""
        line = Line2D(
            points[:, 0],
            self.height - points[:, 1],
            color=colour,
            linewidth=width * _POINTS_PER_PIXEL,
            transform=IdentityTransform(),
            path_effects=_halo(width + 2 * halo) if halo else None,
        )
        self._figure.add_artist(line)

    def text(
        self, left: float, top: float, words: str, size: float = 13, colour: str = INK, *, halo: bool = False
    ) -> None:
        """Write one line of text with its upper left corner at (left, top); ``size`` in pixels."""
        self._figure.text(
            left / self.width,
            1 - top / self.height,
            words,
            ha="left",
            va="top",
            color=colour,
            fontsize=size * _POINTS_PER_PIXEL,
            path_effects=_halo(4) if halo else None,
        )

    def paragraph(self, box: Box, words: str, size: float = 12, colour: str = SOFT) -> None:
        """Write ``words``, wrapped to the width of the box."""
        for number, line in enumerate(_wrapped(words, box[2], size)):
            self.text(box[0], box[1] + number * size * _LINE, line, size, colour)

    def drawn(self) -> Rgb:
        """Return uint8 [height, width, 3]."""
        self._figure.add_artist(_Paper(self._paper))
        canvas = FigureCanvasAgg(self._figure)
        canvas.draw()
        return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])

    def save(self, path: Path) -> None:
        """Write the page as a PNG. Equal drawings give equal bytes."""
        save_picture(self.drawn(), path)


class _Paper(Artist):
    """The pixels under all lines and text. Matplotlib's own image artist would resample them."""

    def __init__(self, paper: Rgb) -> None:
        super().__init__()
        self._paper = paper
        self.set_zorder(-1)

    def draw(self, renderer: RendererBase) -> None:
        """Draw the pixels; the rows of the canvas count from below."""
        opaque = np.full((*self._paper.shape[:2], 1), 255, np.uint8)
        context = renderer.new_gc()
        renderer.draw_image(context, 0, 0, np.concatenate([self._paper, opaque], axis=2)[::-1])
        context.restore()


def save_picture(picture: Rgb, path: Path) -> None:
    """Write ``picture`` [H, W, 3] as a PNG. Equal pictures give equal bytes."""
    Image.fromarray(picture).save(path, compress_level=_COMPRESSION)


@dataclass(frozen=True)
class PlacedPicture:
    """A picture on a page. Positions are image pixels, from the upper left corner of the image."""

    page: Page
    left: int
    top: int
    scale_x: float
    scale_y: float

    def line(self, points: NDArray[np.float64], width: float, halo: float = 0.0) -> None:
        """Draw a line through ``points`` [n, 2] of (x, y) image pixels; widths are page pixels."""
        placed = points * (self.scale_x, self.scale_y) + (self.left, self.top)
        self.page.line(placed, width, halo)

    def text(self, x: float, y: float, words: str, size: float) -> None:
        """Write ``words`` with a white halo and their upper left corner at (x, y)."""
        left, top = self.left + x * self.scale_x, self.top + y * self.scale_y
        self.page.text(left, top, words, size, halo=True)


def paragraph_height(words: str, width: float, size: float = 12) -> float:
    """Return the height in pixels that :meth:`Page.paragraph` needs for ``words`` in a box of ``width``."""
    return len(_wrapped(words, width, size)) * size * _LINE


def _wrapped(words: str, width: float, size: float) -> list[str]:
    return textwrap.wrap(words, max(20, int(width / (size * 0.53))))


def _halo(width: float) -> list[patheffects.AbstractPathEffect]:
    stroke = patheffects.Stroke(linewidth=width * _POINTS_PER_PIXEL, foreground="white")
    return [stroke, patheffects.Normal()]


def _resized(image: Rgb, width: int, height: int, *, smooth: bool) -> Rgb:
    if image.shape[:2] == (height, width):
        return image
    way = Image.Resampling.LANCZOS if smooth else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(image).resize((width, height), way))
