"""Artefacts at low resolution: canvas that was not scanned, pen, folds, and what lies out of focus.

The limits are optical densities over the slide's own glass, of which H&E and brown antibody stains keep clear:
Ruifrok, A. and Johnston, D. (2001), Quantification of histochemical staining by color deconvolution.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tasks.slides.pixels import Rgb
from tasks.tiling._bands import bands, highest, mean_level
from tasks.tiling._glass import Floats32, Glass

Bools = NDArray[np.bool_]

_BLACK, _NEAR_BLACK, _FLAT = 40, 60, 3.0
_GREY_FLAT, _GREY_NEUTRAL, _GREY_DARKER = 0.6, 0.02, 0.03
_CANVAS_UM, _EDGE_UM = 200.0, 16.0
_PEN_UM, _RED_ON_GLASS = 48.0, 0.6
_FOLD_UM, _FOLD_LONG_UM, _FOLD_DARK, _FOLD_DARKEST = 150.0, 200.0, 1.6, 1.15
_BLUR_UM, _BLUR_AREA_UM, _BLUR_LEFT, _BLUR_LEAST = 72.0, 200.0, 0.25, 3.0


def dark_canvas(pixels: Rgb, readable: Bools, pixel_um: float) -> Bools:
    """Return what was not scanned and is black or nearly so, bool [h, w].

    It is flat as nothing on glass is, and either reaches the edge of the slide or is larger than a disc of
    200 um.
    """
    height, width = readable.shape
    core, dark = np.zeros((2, height, width), dtype=np.bool_)
    for band in bands(height, halo=2):
        light = highest(pixels[band.with_halo]).astype(np.float32)
        flat = _deviation(light) <= _FLAT
        core[band.rows] = ((light <= _BLACK) & flat)[band.inner]
        dark[band.rows] = (light <= _NEAR_BLACK)[band.inner]
    if not core.any():
        return core
    return _grown(_canvas_pieces(core & readable, dark & readable, pixel_um), _EDGE_UM, pixel_um)


def grey_canvas(pixels: Rgb, scanned: Bools, glass: Glass, pixel_um: float) -> Bools:
    """Return what was not scanned and is filled with one grey, darker than the glass, bool [h, w].

    It reaches the edge of the slide, has straight edges and not even the noise of a camera.
    """
    flat = np.zeros(scanned.shape, dtype=np.bool_)
    for band in bands(len(scanned), halo=2):
        even = _deviation(mean_level(pixels[band.with_halo]))[band.inner] <= _GREY_FLAT
        if even.any():
            density = glass.density(pixels, band.rows)
            low, high = density.min(axis=0), density.max(axis=0)
            flat[band.rows] = even & (high - low <= _GREY_NEUTRAL) & (low >= _GREY_DARKER)
    flat &= scanned
    if not glass.seen or not flat.any():
        return np.zeros_like(flat)
    pieces, _ = ndimage.label(flat)
    large = np.bincount(pieces.ravel()) >= _disc(_CANVAS_UM, pixel_um)
    for number, span in enumerate(ndimage.find_objects(pieces), start=1):
        if large[number]:
            large[number] = _at_edge(span, flat.shape) and (pieces[span] == number).mean() > 0.9
    large[0] = False
    found: Bools = large[pieces]
    return _grown(found, 2 * _EDGE_UM, pixel_um) if found.any() else found


def find_pen(
    pixels: Rgb, scanned: Bools, glass: Glass, pixel_um: float
) -> tuple[Bools, Bools]:
    """Return where a pen wrote, and where there may be ink, both bool [h, w].

    Ink is black, or blue or green as no stain of H&E or of antibodies is; red only where it lies on glass,
    since blood is red as well. Strokes thinner than 48 um are no pen: they are in doubt.
    """
    ink, red, bare = np.zeros((3, *scanned.shape), dtype=np.bool_)
    for band in bands(len(scanned)):
        density = glass.density(pixels, band.rows)
        ink[band.rows] = _blue_or_green(density) | _black(density)
        red[band.rows] = _red(density)
        bare[band.rows] = density.max(axis=0) < 0.05
    ink &= scanned
    red &= scanned
    pen = _thick(ink, pixel_um) | _on_glass(_thick(red, pixel_um), bare, pixel_um)
    doubt = ndimage.binary_opening(ink | red, np.ones((2, 2))) & ~pen if (ink | red).any() else ink
    return (_grown(pen, _EDGE_UM, pixel_um) & scanned if pen.any() else pen), doubt


def find_folds(pixels: Rgb, mask: Bools, glass: Glass, pixel_um: float) -> Bools:
    """Return bands of tissue that are narrower than 150 um and much denser than nearly all tissue."""
    total = np.zeros(mask.shape, dtype=np.float32)
    for band in bands(len(mask)):
        total[band.rows] = glass.density(pixels, band.rows).mean(axis=0)
    if not mask.any():
        return np.zeros_like(mask)
    total = ndimage.uniform_filter(total, 5)
    usual, high = np.percentile(total[mask], [50, 85])
    dark = mask & (total > max(0.1, _FOLD_DARK * float(usual), _FOLD_DARKEST * float(high)))
    dark = ndimage.binary_opening(ndimage.binary_closing(dark, np.ones((5, 5))), np.ones((3, 3)))
    if not dark.any():
        return dark
    wide = _opened(dark, _FOLD_UM / 2, pixel_um)
    pieces, _ = ndimage.label(dark, np.ones((3, 3)))
    kept = np.zeros(pieces.max() + 1, dtype=np.bool_)
    for number, span in enumerate(ndimage.find_objects(pieces), start=1):
        own = pieces[span] == number
        length = float(np.hypot(*own.shape)) * pixel_um
        kept[number] = length >= _FOLD_LONG_UM and own.sum() * pixel_um**2 <= length**2 / 3 and not wide[
            span
        ][own].any()
    found: Bools = kept[pieces]
    return found


def find_blur(pixels: Rgb, mask: Bools, pixel_um: float) -> Bools:
    """Return tissue with a quarter or less of the fine structure that the slide's tissue has, bool [h, w].

    It is out of focus or, as necrosis and mucin, without structure: at low resolution both look alike.
    """
    fine = np.zeros(mask.shape, dtype=np.float32)
    side = max(3, round(_BLUR_UM / pixel_um))
    for band in bands(len(mask), halo=side + 4):
        grey = mean_level(pixels[band.with_halo])
        detail = np.abs(grey - ndimage.gaussian_filter(grey, 1.0, truncate=3.0))
        fine[band.rows] = ndimage.uniform_filter(detail, side)[band.inner]
    inside = _eroded(mask, _BLUR_UM / 2, pixel_um)
    usual = float(np.median(fine[inside])) if inside.any() else 0.0
    soft = inside & (fine < _BLUR_LEFT * usual)
    if usual < _BLUR_LEAST or not soft.any():
        return np.zeros_like(mask)
    pieces, _ = ndimage.label(soft)
    large = np.bincount(pieces.ravel()) >= _disc(_BLUR_AREA_UM, pixel_um)
    large[0] = False
    found = _grown(large[pieces], _BLUR_UM / 2, pixel_um) & mask
    return found


def _blue_or_green(density: Floats32) -> Bools:
    red, green, blue = density
    blue_ink = (red >= 0.35) & (blue <= 0.3 * red) & (green >= 0.5 * red)
    turquoise = (red >= 0.3) & (red >= 1.35 * green)
    found: Bools = blue_ink | turquoise
    return found


def _black(density: Floats32) -> Bools:
    low, high = density.min(axis=0), density.max(axis=0)
    found: Bools = (low >= 0.5) & (high - low <= 0.2 * high)
    return found


def _red(density: Floats32) -> Bools:
    red, green, blue = density
    found: Bools = (red <= 0.15) & (green >= 0.5) & (blue >= 0.7 * green)
    return found


def _on_glass(ink: Bools, bare: Bools, pixel_um: float) -> Bools:
    """Return the pieces of ink that glass surrounds for the most part."""
    if not ink.any():
        return ink
    pieces, count = ndimage.label(ink, np.ones((3, 3)))
    reach = max(2, round(5 * _EDGE_UM / pixel_um / 2))
    ring = ndimage.grey_dilation(pieces, size=(2 * reach + 1,) * 2)
    ring[_grown(ink, _EDGE_UM, pixel_um)] = 0
    numbers = np.arange(count + 1)
    free = ndimage.sum(bare, ring, numbers) / np.maximum(1, ndimage.sum(np.ones_like(bare), ring, numbers))
    free[0] = 0
    found: Bools = (free >= _RED_ON_GLASS)[pieces]
    return found


def _canvas_pieces(core: Bools, dark: Bools, pixel_um: float) -> Bools:
    pieces, _ = ndimage.label(dark)
    kept = np.zeros(pieces.max() + 1, dtype=np.bool_)
    area, flat = np.bincount(pieces.ravel()), np.bincount(pieces.ravel(), weights=core.ravel())
    for number, span in enumerate(ndimage.find_objects(pieces), start=1):
        if flat[number] < 0.5 * area[number]:
            continue
        kept[number] = _at_edge(span, core.shape) or area[number] >= _disc(_CANVAS_UM, pixel_um)
    found: Bools = kept[pieces]
    return found


def _at_edge(span: tuple[slice, slice], shape: tuple[int, int]) -> bool:
    return any(part.start == 0 or part.stop == size for part, size in zip(span, shape, strict=True))


def _thick(ink: Bools, pixel_um: float) -> Bools:
    """Return the pieces of ink that are at least 48 um wide somewhere."""
    core = _opened(ink, _PEN_UM / 2, pixel_um)
    if not core.any():
        return core
    pieces, _ = ndimage.label(ink, np.ones((3, 3)))
    kept = np.zeros(pieces.max() + 1, dtype=np.bool_)
    kept[np.unique(pieces[core])] = True
    kept[0] = False
    found: Bools = kept[pieces]
    return found


def _opened(mask: Bools, radius_um: float, pixel_um: float) -> Bools:
    inside = _eroded(mask, radius_um, pixel_um)
    return _grown(inside, radius_um, pixel_um) & mask if inside.any() else inside


def _eroded(mask: Bools, radius_um: float, pixel_um: float) -> Bools:
    size = 2 * max(1, round(radius_um / pixel_um)) + 1
    found: Bools = ndimage.minimum_filter(mask, size=size, mode="nearest")
    return found


def _grown(mask: Bools, radius_um: float, pixel_um: float) -> Bools:
    size = 2 * max(1, round(radius_um / pixel_um)) + 1
    found: Bools = ndimage.maximum_filter(mask, size=size, mode="nearest")
    return found


def _deviation(grey: Floats32) -> Floats32:
    mean = ndimage.uniform_filter(grey, 5)
    deviation: Floats32 = np.sqrt(np.maximum(ndimage.uniform_filter(grey * grey, 5) - mean * mean, 0))
    return deviation


def _disc(diameter_um: float, pixel_um: float) -> float:
    return float(np.pi * diameter_um**2 / 4 / pixel_um**2)
