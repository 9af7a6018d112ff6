"""How much denser than the glass around it each place of a slide is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

from tasks.slides.pixels import Rgb
from tasks.tiling._bands import bands
from tasks.tiling._glass import Glass

Bools = NDArray[np.bool_]

STEP = 0.004
"""Optical density of one level of a density map."""

_TINTED = 0.02
_ALL_STAINED = 0.12
_LEAST, _MOST = 0.03, 0.06
_NOISE = 4.0


@dataclass(frozen=True)
class DensityMap:
    """Optical density over the slide's own glass.

    Attributes:
        levels: uint8 [h, w], the densest of the three channels after a 3 x 3 median, in steps of 0.004.
        tinted: bool [h, w], where the channels differ, as they do under a stain.
        threshold: what a pixel must exceed to be tissue, in optical density.
    """

    levels: NDArray[np.uint8]
    tinted: Bools
    threshold: float

    def above(self, factor: float = 1.0) -> Bools:
        """Return the pixels denser than ``factor`` times the threshold, bool [h, w]."""
        found: Bools = self.levels > factor * self.threshold / STEP
        return found


def map_density(pixels: Rgb, usable: Bools, glass: Glass) -> DensityMap:
    """Return the density of each pixel and Otsu's threshold on it, which is held within 0.03 and 0.06.

    What is denser than 0.12 counts as 0.12, so that dense tissue does not hide pale tissue. On uneven glass
    the threshold is at least four times the scatter of the glass.

    Args:
        pixels: uint8 [h, w, 3].
        usable: bool [h, w], what the threshold is drawn from: no canvas and no ink.
        glass: the slide's glass.
    """
    levels = np.zeros(usable.shape, dtype=np.uint8)
    tinted = np.zeros(usable.shape, dtype=np.bool_)
    for band in bands(len(usable), halo=1):
        density = glass.density(pixels, band.with_halo)
        highest = density.max(axis=0)
        level = np.clip(np.rint(highest / STEP), 0, 255).astype(np.uint8)
        levels[band.rows] = ndimage.median_filter(level, size=3)[band.inner]
        tinted[band.rows] = (highest - density.min(axis=0) >= _TINTED)[band.inner]
    return DensityMap(levels, tinted, _threshold(levels[usable], glass))


def _threshold(levels: NDArray[np.uint8], glass: Glass) -> float:
    lowest = min(max(_LEAST, _NOISE * glass.noise), _MOST)
    capped = np.minimum(levels, round(_ALL_STAINED / STEP))
    if not len(capped) or capped.min() == capped.max():
        return lowest
    return min(max(float(threshold_otsu(capped)) * STEP, lowest), _MOST)
