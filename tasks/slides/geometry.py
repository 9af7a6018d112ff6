"""The one affine contract of a slide, which tiler, heatmaps and exports all use.

Positions are continuous and measured from the top left corner of the finest level: pixel ``i`` covers
``[i, i + 1)`` and has its centre at ``i + 0.5``. Nothing is rounded here; floats are kept to the end.
"""

from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from tasks.slides.facts import SlideFacts
from tasks.slides.resolution import Resolution

Coordinate = TypeVar("Coordinate", float, NDArray[np.float64])
"""A single position or an array of positions; the result has the same form."""


class SlideGeometry(BaseModel):
    """Sizes and scales of one slide.

    Attributes:
        width_level0: width of the finest level in pixels.
        height_level0: height of the finest level in pixels.
        mpp: micrometres per level-0 pixel along x.
        mpp_y: micrometres per level-0 pixel along y; within 2 % of ``mpp``.
        mpp_source: the source of ``mpp``, the file's metadata or the manifest.
        bounds_x: left edge of the scanned area in level-0 pixels; QuPath counts from here.
        bounds_y: top edge of the scanned area in level-0 pixels.
        bounds_width: width of the scanned area in level-0 pixels.
        bounds_height: height of the scanned area in level-0 pixels.
        level_downsamples: level-0 pixels per pixel of each level, not rounded. OpenSlide has one for both
            axes; where a level's sides were rounded, its far corner is off by up to half a level pixel.
        thumbnail_width: width of the thumbnail in pixels; it covers the whole finest level.
        thumbnail_height: height of the thumbnail in pixels.
        thumbnail_downsample_x: level-0 pixels per thumbnail pixel along x (real ratio of the widths).
        thumbnail_downsample_y: level-0 pixels per thumbnail pixel along y (real ratio of the heights).
        levels_left_out: numbers of levels that do not show the finest level at their scale; never read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width_level0: int
    height_level0: int
    mpp: float
    mpp_y: float
    mpp_source: Literal["metadata", "manifest"]
    bounds_x: float
    bounds_y: float
    bounds_width: float
    bounds_height: float
    level_downsamples: tuple[float, ...]
    thumbnail_width: int
    thumbnail_height: int
    thumbnail_downsample_x: float
    thumbnail_downsample_y: float
    levels_left_out: tuple[int, ...] = ()

    def level0_to_um(self, x: Coordinate, y: Coordinate) -> tuple[Coordinate, Coordinate]:
        """Return the position in micrometres of a position in level-0 pixels."""
        return x * self.mpp, y * self.mpp_y

    def um_to_level0(self, x: Coordinate, y: Coordinate) -> tuple[Coordinate, Coordinate]:
        """Return the position in level-0 pixels of a position in micrometres."""
        return x / self.mpp, y / self.mpp_y

    def level0_to_level(self, x: Coordinate, y: Coordinate, level: int) -> tuple[Coordinate, Coordinate]:
        """Return the position in pixels of ``level`` of a position in level-0 pixels."""
        downsample = self.level_downsamples[level]
        return x / downsample, y / downsample

    def level_to_level0(self, x: Coordinate, y: Coordinate, level: int) -> tuple[Coordinate, Coordinate]:
        """Return the position in level-0 pixels of a position in pixels of ``level``."""
        downsample = self.level_downsamples[level]
        return x * downsample, y * downsample

    def level0_to_thumbnail(self, x: Coordinate, y: Coordinate) -> tuple[Coordinate, Coordinate]:
        """Return the position in thumbnail pixels of a position in level-0 pixels."""
        return x / self.thumbnail_downsample_x, y / self.thumbnail_downsample_y

    def thumbnail_to_level0(self, x: Coordinate, y: Coordinate) -> tuple[Coordinate, Coordinate]:
        """Return the position in level-0 pixels of a position in thumbnail pixels."""
        return x * self.thumbnail_downsample_x, y * self.thumbnail_downsample_y

    def best_level(self, downsample: float) -> int:
        """Return the coarsest level that still holds the detail of ``downsample``.

        A level that is coarser by less than 1 % counts as equal: real pyramids are off by rounding.
        """
        fine_enough = [
            i
            for i, own in enumerate(self.level_downsamples)
            if own <= downsample * 1.01 and i not in self.levels_left_out
        ]
        return max(fine_enough, key=lambda level: self.level_downsamples[level], default=0)


def geometry_of(
    facts: SlideFacts, resolution: Resolution, thumbnail_px: int, levels_left_out: tuple[int, ...] = ()
) -> SlideGeometry:
    """Return the geometry of a slide from what its file states, and with a thumbnail of that size."""
    width, height = facts.size
    shrink = max(1.0, max(width, height) / thumbnail_px)
    thumbnail = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    x, y, bounds_width, bounds_height = facts.bounds
    return SlideGeometry(
        width_level0=width,
        height_level0=height,
        mpp=resolution.mpp,
        mpp_y=resolution.mpp_y,
        mpp_source=resolution.source,
        bounds_x=x,
        bounds_y=y,
        bounds_width=bounds_width,
        bounds_height=bounds_height,
        level_downsamples=facts.level_downsamples,
        thumbnail_width=thumbnail[0],
        thumbnail_height=thumbnail[1],
        thumbnail_downsample_x=width / thumbnail[0],
        thumbnail_downsample_y=height / thumbnail[1],
        levels_left_out=levels_left_out,
    )
