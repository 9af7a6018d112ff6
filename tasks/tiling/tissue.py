"""Where tissue is: Otsu's threshold on saturation at low resolution, with a rule for holes and specks.

Otsu, N. (1979), A threshold selection method from gray-level histograms, doi 10.1109/TSMC.1979.4310076.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

from tasks.slides.errors import SlideError
from tasks.slides.overview import Overview
from tasks.slides.pixels import Rgb
from tasks.tiling.recipe import TilingRecipe, disc_um2

_LIT = 0.35
"""Light passes through stained tissue: its brightest channel is above this nearly everywhere."""

_SIDES, _SIDES_AND_CORNERS = 1, 2


@dataclass(frozen=True)
class Tissue:
    """The tissue of one slide at low resolution.

    Attributes:
        mask: bool [h, w]; unreadable regions count as tissue, so that their tiles are tried and counted.
        downsample_x: level-0 pixels per mask pixel along x.
        downsample_y: level-0 pixels per mask pixel along y.
        pixel_um2: area of a mask pixel in square micrometres.
        threshold: the saturation above which a pixel is tissue.
    """

    mask: NDArray[np.bool_]
    downsample_x: float
    downsample_y: float
    pixel_um2: float
    threshold: float


def find_tissue(overview: Overview, pixel_um2: float, recipe: TilingRecipe, where: str) -> Tissue:
    """Return where tissue lies.

    A pixel is tissue where its saturation, after a 3 x 3 median, exceeds Otsu's threshold, which is held
    within ``recipe.saturation_range``. Then pieces (8-connected) smaller than ``min_speck_um`` are dropped
    and holes (4-connected, closed all round) smaller than ``min_hole_um`` are filled, in this order.

    Raises:
        SlideError: nothing can be read, the background is dark (fluorescence), or there is no tissue.
    """
    readable = overview.readable
    if not readable.any():
        raise SlideError(f"{where}: no part of the slide can be read: {overview.reason}")
    _refuse_dark(overview.pixels[readable], where)
    saturation = ndimage.median_filter(saturation_of(overview.pixels), size=3)
    threshold = _threshold(saturation[readable], recipe.saturation_range)
    mask = clean((saturation > threshold) & readable, pixel_um2, recipe)
    if not mask.any() and readable.all():
        raise SlideError(
            f"{where}: no tissue found, no piece of {recipe.min_speck_um:g} um or more "
            f"is more saturated than {threshold:.2f}, as H&E is"
        )
    return Tissue(mask | ~readable, overview.downsample_x, overview.downsample_y, pixel_um2, threshold)


def saturation_of(pixels: Rgb) -> NDArray[np.float32]:
    """Return HSV saturation, float32 in [0, 1], of uint8 [..., 3]: (max - min) / max, 0 for black."""
    brightest = pixels.max(axis=-1).astype(np.float32)
    darkest = pixels.min(axis=-1).astype(np.float32)
    saturation: NDArray[np.float32] = (brightest - darkest) / np.maximum(brightest, 1)
    return saturation


def clean(mask: NDArray[np.bool_], pixel_um2: float, recipe: TilingRecipe) -> NDArray[np.bool_]:
    """Return ``mask`` without too small specks, then without too small holes."""
    speck = disc_um2(recipe.min_speck_um) / pixel_um2
    hole = disc_um2(recipe.min_hole_um) / pixel_um2
    kept = _drop_smaller(mask, speck, _SIDES_AND_CORNERS)
    holes = ndimage.binary_fill_holes(kept) & ~kept
    filled: NDArray[np.bool_] = kept | (holes & ~_drop_smaller(holes, hole, _SIDES))
    return filled


def _drop_smaller(mask: NDArray[np.bool_], pixels: float, connected_by: int) -> NDArray[np.bool_]:
    pieces, _ = ndimage.label(mask, ndimage.generate_binary_structure(2, connected_by))
    large = np.bincount(pieces.ravel()) >= pixels
    large[0] = False
    kept: NDArray[np.bool_] = large[pieces]
    return kept


def _threshold(saturation: NDArray[np.float32], allowed: tuple[float, float]) -> float:
    if saturation.min() == saturation.max():
        return allowed[0]
    return min(max(float(threshold_otsu(saturation)), allowed[0]), allowed[1])


def _refuse_dark(pixels: Rgb, where: str) -> None:
    """Refuse a slide that is mostly dark: fluorescence glows on black, H&E lets light through."""
    light = float(np.median(pixels.max(axis=-1))) / 255
    if light < _LIT:
        raise SlideError(
            f"{where}: this is not H&E, most of the slide is dark as in fluorescence "
            f"(median brightness {light:.2f} of 1, at least {_LIT} is allowed)"
        )
