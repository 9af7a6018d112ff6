"""A picture laid out in whole pixels: what is placed at a pixel is drawn at that pixel."""

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from tasks.heatmaps.colour import Rgb

_DPI = 100
_POINTS_PER_PIXEL = 72 / _DPI
INK = "#1a1a1a"
SOFT = "#5c5c5c"
Box = tuple[float, float, float, float]
"""Left, top, width, height in pixels from the page's upper left corner."""


class Page:
    """A white page of ``width`` x ``height`` pixels."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor="white")
        FigureCanvasAgg(self._figure)

    def axes(self, box: Box) -> Axes:
        """Return axes that fill ``box``."""
        left, top, width, height = box
        bottom = self.height - top - height
        return self._figure.add_axes(
            (left / self.width, bottom / self.height, width / self.width, height / self.height)
        )

    def picture(self, box: Box, image: Rgb, *, smooth: bool = True) -> Axes:
        """Fill ``box`` with ``image``, resized if it must be; the axes then count the image's own pixels."""
        height, width = image.shape[:2]
        axes = self.axes(box)
        shown = _resized(image, round(box[2]), round(box[3]), smooth=smooth)
        axes.imshow(shown, extent=(0, width, height, 0), interpolation="none", aspect="auto")
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.axis("off")
        return axes

    def text(self, left: float, top: float, words: str, size: float = 13, colour: str = INK) -> None:
        """Write one line whose upper left corner is at (left, top); ``size`` in pixels."""
        self._figure.text(
            left / self.width,
            1 - top / self.height,
            words,
            ha="left",
            va="top",
            color=colour,
            fontsize=size * _POINTS_PER_PIXEL,
        )

    def paragraph(self, box: Box, words: str, size: float = 12, colour: str = SOFT) -> None:
        """Write ``words`` wrapped to the box's width."""
        columns = max(20, int(box[2] / (size * 0.53)))
        lines = [line for part in words.split("\n") for line in textwrap.wrap(part, columns)]
        for number, line in enumerate(lines):
            self.text(box[0], box[1] + number * size * 1.45, line, size, colour)

    def save(self, path: Path) -> None:
        """Write a PNG whose bytes depend on nothing but what was drawn."""
        self._figure.savefig(path, dpi=_DPI, metadata={"Software": None})


def _resized(image: Rgb, width: int, height: int, *, smooth: bool) -> Rgb:
    if image.shape[:2] == (height, width):
        return image
    way = Image.Resampling.LANCZOS if smooth else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(image).resize((width, height), way))
