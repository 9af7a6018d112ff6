"""The pixels of tiles: read once, in blocks, for their digests, and kept where the study says so."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.allocated import new_array
from tasks.artifacts.slide_picture import SampledPicture
from tasks.artifacts.tile_set import PIXELS
from tasks.functional.pixels import spans
from tasks.slides.neighbours import neighbours_together
from tasks.slides.pixels import Rgb
from tasks.slides.reader import SlideReader
from tasks.tiling.layout import Layout
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.squares import digests

_SPAN_BYTES = 8 << 20
"""Bytes of tiles read at once, a block of neighbours; memory is bounded by a few times as much."""

_WHITE = 255
_EXACT = 1 << 16
"""Pixels of which 255 each have a sum below 2 ** 24."""


@dataclass(frozen=True)
class TilesOfSlide:
    """What was found when all tiles of a slide were read, in the order of their positions.

    Attributes:
        reasons: why each tile could not be read, or "".
        crc: the digest of the pixels of each tile, 0 where it could not be read.
        tissue_sum: the sum of the colours of all tissue pixels of the tiles that could be read, RGB.
        tissue_pixels: how many these are.
    """

    reasons: list[str]
    crc: NDArray[np.uint32]
    tissue_sum: NDArray[np.int64]
    tissue_pixels: int

    @property
    def tissue_colour(self) -> tuple[float, float, float]:
        """The mean colour of the tissue, RGB from 0 to 1; white where there is none."""
        if not self.tissue_pixels:
            return 1.0, 1.0, 1.0
        red, green, blue = (float(total) / (255.0 * self.tissue_pixels) for total in self.tissue_sum)
        return red, green, blue


def read_tiles(
    slide: SlideReader,
    layout: Layout,
    recipe: TilingRecipe,
    tissue: SampledPicture,
    out: Path,
    advance: Callable[[int], None],
) -> TilesOfSlide:
    """Read every tile once; with ``recipe.keep`` of ``pixels`` they are written to ``pixels.npy``.

    A tile that cannot be read, or is unfit, is white. Where more fail than ``recipe.max_failed_tiles``
    allows, reading stops, since the slide fails anyway and each failure reopens the file.
    """
    positions = layout.positions
    count, side = len(positions), recipe.tile_px
    kept = _kept(out, (count, side, side, 3)) if recipe.keep == "pixels" else None
    reasons, crc = [""] * count, np.zeros(count, np.uint32)
    total, pixels_of_tissue = np.zeros(3, np.int64), 0
    order = neighbours_together(positions.x, positions.y, positions.extent)
    for span in spans(count, max(1, _SPAN_BYTES // (3 * side * side))):
        here = order[span]
        pixels, said = slide.read_tiles(positions.x[here], positions.y[here], positions.extent, side)
        said = [layout.unfit_at(place) or reason for place, reason in zip(here, said, strict=True)]
        fine = np.array([not reason for reason in said], dtype=np.bool_)
        pixels[~fine] = _WHITE
        for place, reason in zip(here, said, strict=True):
            reasons[place] = reason
        crc[here] = np.where(fine, digests(pixels), 0)
        masks = tissue[here] * fine[:, None, None]
        total += _sums(pixels, masks)
        pixels_of_tissue += int(masks.sum())
        if kept is not None:
            kept[here] = pixels
        advance(len(here))
        if too_many_failed(reasons, recipe):
            break
    return TilesOfSlide(reasons, crc, total, pixels_of_tissue)


def unread_tiles(layout: Layout) -> TilesOfSlide:
    """Return what is known of tiles that have features and no pixels: none failed, and none has a colour."""
    count = len(layout.positions)
    return TilesOfSlide([""] * count, np.zeros(count, np.uint32), np.zeros(3, np.int64), 0)


def too_many_failed(reasons: Sequence[str], recipe: TilingRecipe) -> bool:
    """Return whether more tiles have a reason why they could not be read than the recipe allows."""
    return sum(map(bool, reasons)) > recipe.max_failed_tiles * len(reasons)


def _sums(pixels: Rgb, masks: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the sum of each channel over the pixels in ``masks``, [N, H, W] of 0 and 1."""
    total = np.zeros(3, np.int64)
    for image, mask in zip(pixels, masks, strict=True):
        colours, weights = image.reshape(-1, 3), mask.reshape(-1)
        for start in range(0, len(weights), _EXACT):
            part = slice(start, start + _EXACT)
            # Whole numbers below 2 ** 24 are exact in float32, whose product is the quickest.
            total += (weights[part].astype(np.float32) @ colours[part].astype(np.float32)).astype(np.int64)
    return total


def _kept(out: Path, shape: tuple[int, ...]) -> Rgb:
    return new_array(out / PIXELS, shape, np.uint8)
