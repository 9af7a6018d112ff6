"""What lies on a slide before tissue is told from glass: glass, canvas and ink."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.slides.overview import Overview
from tasks.slides.pixels import Rgb
from tasks.tiling._artefacts import dark_canvas, find_pen, grey_canvas
from tasks.tiling._colours import refuse_wrong_colours
from tasks.tiling._density import DensityRule, Levels, density_rule, map_density
from tasks.tiling._glass import Glass, find_glass

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Scene:
    """A slide at low resolution, all arrays [h, w].

    Attributes:
        pixels: uint8 [h, w, 3].
        scanned: what was scanned and can be read.
        usable: what may be tissue: scanned, and none of the artefacts that are left out.
        canvas: what was not scanned and is filled with one colour.
        pen: where a pen wrote.
        ink: where there may be ink.
        glass: the empty glass.
        mean: uint8, the mean optical density over it, in steps of 0.004.
        tinted: where the densities of the channels differ, as they do under a stain.
        rule: tissue as what is denser than glass.
    """

    pixels: Rgb
    scanned: Bools
    usable: Bools
    canvas: Bools
    pen: Bools
    ink: Bools
    glass: Glass
    mean: Levels
    tinted: Bools
    rule: DensityRule


def look(overview: Overview, pixel_um: float, left_out: Sequence[str], where: str) -> Scene:
    """Return what lies on a slide.

    Args:
        overview: the slide at low resolution.
        pixel_um: side of a pixel in micrometres.
        left_out: the artefacts that are no tissue.
        where: the slide, for messages.

    Raises:
        SlideError: the colours are those of no stained tissue on glass.
    """
    pixels, readable = overview.pixels, overview.readable
    canvas = dark_canvas(pixels, readable, pixel_um)
    scanned = readable & ~canvas
    glass = find_glass(pixels, scanned)
    refuse_wrong_colours(pixels, readable, canvas, glass, where)
    density = map_density(pixels, glass)
    grey = grey_canvas(pixels, scanned, density, pixel_um)
    canvas, scanned = canvas | grey, scanned & ~grey
    pen, ink = find_pen(scanned, density, pixel_um)
    usable = scanned if "canvas" in left_out else readable
    if "pen" in left_out:
        usable = usable & ~pen
    rule = density_rule(density, glass)
    # The other arrays of the density map have done their work: on a whole slide each has 40 MB.
    return Scene(pixels, scanned, usable, canvas, pen, ink, glass, density.mean, density.tinted, rule)
