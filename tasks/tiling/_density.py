"""How much denser than the glass around it each place of a slide is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tasks.slides.pixels import Rgb
from tasks.tiling._bands import bands
from tasks.tiling._glass import Floats32, Glass

Bools = NDArray[np.bool_]
Levels = NDArray[np.uint8]

STEP = 0.004
"""Optical density of one level of a density map."""

_TINTED, _NEUTRAL, _GREY = 0.02, 0.02, 0.03
_LEAST, _MOST = 0.03, 0.06
_NOISE = 4.0


@dataclass(frozen=True)
class DensityMap:
    """Optical density over the slide's own glass, all arrays [h, w].

    Attributes:
        highest: uint8, the densest of the three channels, in steps of 0.004 up to 1.02.
        mean: uint8, their mean.
        tinted: bool, where the channels differ, as they do under a stain.
        grey: bool, where they do not and all are denser than glass.
        ink: bool, colours of black, blue and green ink, which no stain of H&E or of antibodies has.
        red: bool, colours of red ink, which blood has as well.
        bluish: bool, colours of dark blue ink, which dense hematoxylin has as well.
    """

    highest: Levels
    mean: Levels
    tinted: Bools
    grey: Bools
    ink: Bools
    red: Bools
    bluish: Bools


@dataclass(frozen=True)
class DensityRule:
    """Tissue as what is denser than glass.

    Attributes:
        smoothed: uint8 [h, w], the densest channel after a 3 x 3 median, in steps of 0.004.
        threshold: what a pixel must exceed to be tissue, in optical density.
    """

    smoothed: Levels
    threshold: float

    def above(self, factor: float = 1.0) -> Bools:
        """Return the pixels denser than ``factor`` times the threshold, bool [h, w]."""
        # In whole steps, since a threshold is a number of steps as well.
        found: Bools = self.smoothed > int(factor * self.threshold / STEP + 1e-6)
        return found


def map_density(pixels: Rgb, glass: Glass) -> DensityMap:
    """Return the density of each pixel, uint8 [h, w, 3], over the glass around it."""
    shape = pixels.shape[:2]
    # Arrays of their own, so that each is free as soon as nobody needs it.
    highest, mean = (np.zeros(shape, np.uint8) for _ in range(2))
    found = DensityMap(highest, mean, *(np.zeros(shape, np.bool_) for _ in range(5)))
    for band in bands(len(pixels)):
        density = glass.density(pixels, band.rows)
        high, low = density.max(axis=0), density.min(axis=0)
        found.highest[band.rows] = _steps(high)
        found.mean[band.rows] = _steps(density.mean(axis=0))
        found.tinted[band.rows] = high - low >= _TINTED
        found.grey[band.rows] = (high - low <= _NEUTRAL) & (low >= _GREY)
        found.ink[band.rows] = _blue_or_green(density) | ((low >= 0.5) & (high - low <= 0.2 * high))
        found.red[band.rows] = _red(density)
        found.bluish[band.rows] = _bluish(density)
    return found


def density_rule(density: DensityMap, glass: Glass) -> DensityRule:
    """Return the rule; its threshold is four times the scatter of the glass, held within 0.03 and 0.06.

    A threshold between the two groups of a histogram would lie between pale and dense tissue where there are
    both. Glass is the one group that is known well, so the threshold is measured from it.
    """
    smoothed = ndimage.median_filter(density.highest, size=3)
    return DensityRule(smoothed, min(max(_LEAST, _NOISE * glass.noise), _MOST))


def _steps(density: Floats32) -> Levels:
    steps: Levels = np.clip(np.rint(density / np.float32(STEP)), 0, 255).astype(np.uint8)
    return steps


def _blue_or_green(density: Floats32) -> Bools:
    red, green, blue = density
    blue_ink = (red >= 0.35) & (blue <= 0.3 * red) & (green >= 0.5 * red)
    found: Bools = blue_ink | ((red >= 0.3) & (red >= 1.35 * green))
    return found


def _red(density: Floats32) -> Bools:
    red, green, blue = density
    found: Bools = (red <= 0.15) & (green >= 0.5) & (blue >= 0.7 * green)
    return found


def _bluish(density: Floats32) -> Bools:
    red, green, blue = density
    found: Bools = (red >= 0.25) & (green <= 0.95 * red) & (blue <= 0.55 * red)
    return found
