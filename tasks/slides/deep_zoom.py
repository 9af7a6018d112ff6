"""A slide as square pictures at steps of two, as viewers of maps and slides ask for it.

Level ``last`` has the pixels of the finest level, and each level before it half as many on a side. Level
``first`` is the coarsest that is cheap: no picture of it needs more than a few times its own pixels read.
"""

import math
from dataclasses import dataclass

from tasks.slides.geometry import SlideGeometry
from tasks.slides.level_region import Rgb
from tasks.slides.reader import SlideReader

_MOST_SHRUNK = 4.0
"""How many pixels of a level of the file, on a side, may become one pixel of a picture."""


@dataclass(frozen=True)
class DeepZoom:
    """Levels and squares of a slide of ``width`` x ``height`` level-0 pixels.

    Attributes:
        width: of the finest level in pixels.
        height: of the finest level in pixels.
        tile: side of a square in pixels; those at the right and at the bottom are smaller.

    Example:
        >>> zoom = DeepZoom(1000, 600, 256)
        >>> zoom.last, zoom.counts(10), zoom.size(10, 3, 2), zoom.counts(9)
        (10, (4, 3), (232, 88), (2, 2))
    """

    width: int
    height: int
    tile: int = 512

    @property
    def last(self) -> int:
        """Number of the finest level."""
        return math.ceil(math.log2(max(self.width, self.height)))

    def downsample(self, level: int) -> int:
        """Return the level-0 pixels per pixel of a level."""
        return int(2 ** (self.last - level))

    def counts(self, level: int) -> tuple[int, int]:
        """Return how many squares lie side by side and below one another."""
        width, height = self._sides(level)
        return -(-width // self.tile), -(-height // self.tile)

    def size(self, level: int, x: int, y: int) -> tuple[int, int]:
        """Return width and height in pixels of a square."""
        width, height = self._sides(level)
        return min(self.tile, width - x * self.tile), min(self.tile, height - y * self.tile)

    def holds(self, level: int, x: int, y: int) -> bool:
        """Say whether there is such a square."""
        if not 0 <= level <= self.last:
            return False
        across, down = self.counts(level)
        return 0 <= x < across and 0 <= y < down

    def first(self, geometry: SlideGeometry) -> int:
        """Return the coarsest level that is cheap to read from a file with such levels."""
        cheap = self.last
        while cheap > 0 and self._shrunk(cheap - 1, geometry) <= _MOST_SHRUNK:
            cheap -= 1
        return cheap

    def _shrunk(self, level: int, geometry: SlideGeometry) -> float:
        downsample = self.downsample(level)
        return downsample / geometry.level_downsamples[geometry.best_level(downsample)]

    def _sides(self, level: int) -> tuple[int, int]:
        downsample = self.downsample(level)
        return -(-self.width // downsample), -(-self.height // downsample)


def read_square(slide: SlideReader, zoom: DeepZoom, level: int, x: int, y: int) -> Rgb:
    """Return one square, uint8 [height, width, 3]; white where the slide is transparent.

    Raises:
        SlideError: it cannot be read.
    """
    extent = float(zoom.tile * zoom.downsample(level))
    width, height = zoom.size(level, x, y)
    square: Rgb = slide.read(x * extent, y * extent, extent, zoom.tile)[:height, :width]
    return square
