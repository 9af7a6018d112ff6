"""Artefacts at low resolution: canvas that was not scanned, pen, folds, and what lies out of focus.

The limits are optical densities over the slide's own glass that H&E and brown antibody stains keep clear of:
Ruifrok, A. and Johnston, D. (2001), Quantification of histochemical staining by color deconvolution.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tasks.slides.pixels import Rgb
from tasks.tiling._bands import bands, counts_of, highest, mean_level
from tasks.tiling._density import STEP, DensityMap, Levels
from tasks.tiling._glass import Floats32
from tasks.tiling._shapes import closed, grown, opened, shrunk

Bools = NDArray[np.bool_]
Span = tuple[slice, slice]

_BLACK, _NEAR_BLACK, _FLAT = 40, 60, 3.0
_GREY_FLAT = 0.6
_CANVAS_UM, _EDGE_UM, _EDGE_PX = 200.0, 16.0, 4
_PEN_UM, _RED_ON_GLASS, _BARE = 48.0, 0.6, 0.05
_FOLD_UM, _FOLD_LONG_UM, _FOLD_DARK, _FOLD_DARKEST = 150.0, 200.0, 1.6, 1.15
_BLUR_UM, _BLUR_AREA_UM, _BLUR_LEFT, _BLUR_LEAST = 72.0, 200.0, 0.25, 3.0


def dark_canvas(pixels: Rgb, readable: Bools, pixel_um: float) -> Bools:
    """Return what was not scanned and is black or nearly so, bool [h, w].

    It is flat as nothing on glass is, and either reaches the edge of the slide or is larger than a disc of
    200 um.
    """
    core, dark = np.zeros(readable.shape, dtype=np.bool_), np.zeros(readable.shape, dtype=np.bool_)
    for band in bands(len(readable), halo=2):
        light = highest(pixels[band.with_halo])
        dark[band.rows] = (light <= _NEAR_BLACK)[band.inner]
        if dark[band.rows].any():
            flat = _deviation(light.astype(np.float32)) <= _FLAT
            core[band.rows] = ((light <= _BLACK) & flat)[band.inner]
    core &= readable
    if not core.any():
        return core
    pieces, count = ndimage.label(dark & readable)
    area = counts_of(pieces, count)
    kept = 2 * counts_of(pieces, count, core) >= area
    for number, span in enumerate(ndimage.find_objects(pieces), start=1):
        kept[number] &= _at_edge(span, core.shape) or area[number] >= _disc(_CANVAS_UM, pixel_um)
    kept[0] = False
    return grown(kept[pieces], _reach(_EDGE_UM, pixel_um))


def grey_canvas(pixels: Rgb, scanned: Bools, density: DensityMap, pixel_um: float) -> Bools:
    """Return what was not scanned and is filled with one grey, darker than the glass, bool [h, w].

    It reaches the edge of the slide, has straight edges and not even the noise of a camera.
    """
    flat = density.grey & scanned
    for band in bands(len(scanned), halo=2):
        if flat[band.rows].any():
            flat[band.rows] &= (_deviation(mean_level(pixels[band.with_halo])) <= _GREY_FLAT)[band.inner]
    if not flat.any():
        return flat
    pieces, count = ndimage.label(flat)
    large = counts_of(pieces, count) >= _disc(_CANVAS_UM, pixel_um)
    for number, span in enumerate(ndimage.find_objects(pieces), start=1):
        if large[number]:
            large[number] = _at_edge(span, flat.shape) and (pieces[span] == number).mean() > 0.9
    large[0] = False
    return grown(large[pieces], _reach(2 * _EDGE_UM, pixel_um)) if large.any() else large[pieces]


def find_pen(scanned: Bools, density: DensityMap, pixel_um: float) -> tuple[Bools, Bools]:
    """Return where a pen wrote, and where there may be ink, both bool [h, w].

    Ink is black, or blue or green as no stain of H&E or of antibodies is; red only where it lies on glass,
    since blood is red as well. Strokes thinner than 48 um are no pen: they are in doubt. So is dark blue of
    48 um and more, which may be ink or dense nuclei: on 80 real slides and cores it takes 0.4 % of the tissue
    at most.
    """
    ink, red = density.ink & scanned, density.red & scanned
    coloured = ink | red
    blue = opened(density.bluish & scanned, _reach(_PEN_UM / 2, pixel_um))
    if not coloured.any():
        return ink, blue
    pen = _thick(ink, pixel_um) | _on_glass(_thick(red, pixel_um), density, pixel_um)
    doubt = (opened(coloured) | blue) & ~pen
    return (grown(pen, _reach(_EDGE_UM, pixel_um)) & scanned if pen.any() else pen), doubt


def find_folds(mean: Levels, mask: Bools, pixel_um: float) -> Bools:
    """Return bands of tissue that are narrower than 150 um and much denser than nearly all tissue.

    Args:
        mean: uint8 [h, w], the mean density in steps of ``STEP``.
        mask: bool [h, w], the tissue.
        pixel_um: side of a pixel in micrometres.
    """
    if not mask.any():
        return np.zeros_like(mask)
    total = ndimage.uniform_filter(mean, 5)
    usual, high = np.percentile(total[mask], [50, 85])
    dark = mask & (total > max(0.1 / STEP, _FOLD_DARK * float(usual), _FOLD_DARKEST * float(high)))
    dark = opened(closed(dark, 2))
    if not dark.any():
        return dark
    wide = opened(dark, _reach(_FOLD_UM / 2, pixel_um)) & dark
    pieces, _ = ndimage.label(dark, np.ones((3, 3)))
    kept = np.zeros(pieces.max() + 1, dtype=np.bool_)
    for number, span in enumerate(ndimage.find_objects(pieces), start=1):
        own = pieces[span] == number
        length = float(np.hypot(*own.shape)) * pixel_um
        long = length >= _FOLD_LONG_UM and own.sum() * pixel_um**2 <= length**2 / 3
        kept[number] = long and not wide[span][own].any()
    found: Bools = kept[pieces]
    return found


def find_blur(pixels: Rgb, mask: Bools, pixel_um: float) -> Bools:
    """Return tissue with a quarter or less of the fine structure that the slide's tissue has, bool [h, w].

    It is out of focus or, as necrosis and mucin, without structure: at low resolution both look alike.
    """
    fine = np.zeros(mask.shape, dtype=np.float16)
    side = max(3, round(_BLUR_UM / pixel_um))
    for band in bands(len(mask), halo=side + 4):
        if mask[band.rows].any():
            grey = mean_level(pixels[band.with_halo])
            detail = np.abs(grey - ndimage.gaussian_filter(grey, 1.0, truncate=3.0))
            fine[band.rows] = ndimage.uniform_filter(detail, side)[band.inner]
    inside = shrunk(mask, _reach(_BLUR_UM / 2, pixel_um))
    usual = float(np.median(fine[inside].astype(np.float32))) if inside.any() else 0.0
    soft = inside & (fine < _BLUR_LEFT * usual)
    if usual < _BLUR_LEAST or not soft.any():
        return np.zeros_like(mask)
    pieces, count = ndimage.label(soft)
    large = counts_of(pieces, count) >= _disc(_BLUR_AREA_UM, pixel_um)
    large[0] = False
    return grown(large[pieces], _reach(_BLUR_UM / 2, pixel_um)) & mask


def _thick(ink: Bools, pixel_um: float) -> Bools:
    """Return the pieces of ink that are at least 48 um wide somewhere."""
    core = opened(ink, _reach(_PEN_UM / 2, pixel_um)) & ink
    if not core.any():
        return core
    pieces, _ = ndimage.label(ink, np.ones((3, 3)))
    kept = np.zeros(pieces.max() + 1, dtype=np.bool_)
    kept[np.unique(pieces[core])] = True
    kept[0] = False
    found: Bools = kept[pieces]
    return found


def _on_glass(ink: Bools, density: DensityMap, pixel_um: float) -> Bools:
    """Return the pieces of ink that glass surrounds for the most part."""
    if not ink.any():
        return ink
    bare = density.highest < _BARE / STEP
    pieces, count = ndimage.label(ink, np.ones((3, 3)))
    ring = ndimage.grey_dilation(pieces, size=(2 * _reach(2.5 * _EDGE_UM, pixel_um) + 1,) * 2)
    ring[grown(ink, _reach(_EDGE_UM, pixel_um))] = 0
    free = counts_of(ring, count, bare) / np.maximum(1, counts_of(ring, count))
    free[0] = 0
    found: Bools = (free >= _RED_ON_GLASS)[pieces]
    return found


def _at_edge(span: Span, shape: tuple[int, ...]) -> bool:
    """Return whether a piece reaches the edge, or the few pixels that resampling mixes with the outside."""
    return any(
        part.start <= _EDGE_PX or part.stop >= size - _EDGE_PX for part, size in zip(span, shape, strict=True)
    )


def _reach(length_um: float, pixel_um: float) -> int:
    return max(1, round(length_um / pixel_um))


def _deviation(grey: Floats32) -> Floats32:
    mean = ndimage.uniform_filter(grey, 5)
    deviation: Floats32 = np.sqrt(np.maximum(ndimage.uniform_filter(grey * grey, 5) - mean * mean, 0))
    return deviation


def _disc(diameter_um: float, pixel_um: float) -> float:
    return float(np.pi * diameter_um**2 / 4 / pixel_um**2)
