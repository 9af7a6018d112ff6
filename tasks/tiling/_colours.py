"""Whether the colours of a slide can be those of stained tissue on glass, or of a file read wrongly."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tasks.slides.errors import SlideError
from tasks.slides.pixels import Rgb
from tasks.tiling._bands import highest, lowest, mean_level
from tasks.tiling._glass import Glass

Bools = NDArray[np.bool_]

_LIT = 0.35
"""Light passes through stained tissue: its brightest channel is above this nearly everywhere."""

_SAMPLE = 250_000
_CHROMA_ZERO = 128
_CHROMA = ((14, 1.5), (45, 1.7))
"""How near to their zero chromas lie, and how many times more luma scatters: either pair is enough."""

_GREY, _STRUCTURE = 4, 0.001
_FLAT, _FLAT_SHARE, _COLOURED = 3.0, 0.35, 0.35
_STAINED, _SWAPPED_SLOPE, _SWAPPED_PALE = 0.1, -0.45, 0.1


def refuse_wrong_colours(pixels: Rgb, readable: Bools, canvas: Bools, glass: Glass, where: str) -> None:
    """Refuse a slide whose colours no stained tissue on glass has.

    Args:
        pixels: uint8 [h, w, 3].
        readable: bool [h, w], where the file can be read.
        canvas: bool [h, w], what was not scanned and is dark.
        glass: the slide's glass.
        where: the slide, for the message.

    Raises:
        SlideError: dark as fluorescence or inverted, without colour, or in a wrong colour space.
    """
    thin = _every(readable)
    values, outside = pixels[thin][readable[thin]], canvas[thin][readable[thin]]
    _refuse_dark(values, outside, glass, where)
    scanned = values[~outside]
    if len(scanned):
        _refuse_grey(scanned, where)
        _refuse_chroma(scanned, where)
        _refuse_glass(pixels[thin], (readable & ~canvas)[thin], glass, where)


def swapped_colours(pixels: Rgb, mask: Bools, glass: Glass) -> bool:
    """Return whether red and blue seem to be swapped: pale tissue is blue and dense tissue is red.

    Hematoxylin is dense and blue, eosin pale and red. Blood and some stains turn this around as well, so it
    is a suspicion and not a proof. Brown antibody stains are left out.
    """
    thin = _every(mask)
    if not glass.seen or not mask[thin].any():
        return False
    density = np.log10((glass.colour + 1) / (pixels[thin][mask[thin]].astype(np.float32) + 1))
    density = density[density.max(axis=1) > _STAINED]
    total = density.sum(axis=1)
    if len(total) < 100 or (density[:, 2] > density[:, 1]).mean() > 0.1 or np.ptp(total) == 0:
        return False
    hue = (density[:, 0] - density[:, 2]) / np.maximum(total, 0.05)
    if np.ptp(hue) == 0:
        return False
    pale = float(np.median(hue[total <= np.quantile(total, 0.4)]))
    dense = float(np.median(hue[total >= np.quantile(total, 0.8)]))
    slope = float(np.corrcoef(total, hue)[0, 1])
    return slope <= _SWAPPED_SLOPE and pale >= _SWAPPED_PALE and dense <= pale - 0.1


def _every(mask: Bools) -> tuple[slice, slice]:
    step = max(1, int(np.sqrt(mask.size / _SAMPLE)))
    return slice(None, None, step), slice(None, None, step)


def _refuse_dark(values: Rgb, outside: Bools, glass: Glass, where: str) -> None:
    """Refuse a slide that is mostly dark: fluorescence glows on black, H&E lets light through."""
    light = highest(values) / 255
    lit = light if not glass.seen or outside.all() else light[~outside]
    if float(np.median(lit)) < _LIT:
        raise SlideError(
            f"{where}: this is not H&E, most of the slide is dark as in fluorescence or in inverted colours "
            f"(median brightness {float(np.median(lit)):.2f} of 1, at least {_LIT} is allowed)"
        )


def _refuse_grey(values: Rgb, where: str) -> None:
    spread = highest(values) - lowest(values)
    light = mean_level(values)
    dark = float((light < 0.75 * np.percentile(light, 99)).mean())
    if np.percentile(spread, 99.9) <= _GREY and dark > _STRUCTURE:
        raise SlideError(
            f"{where}: the slide is grey, its three channels are equal to {_GREY} of 255 levels, and tissue "
            f"is found by its colour; store it in the colours it was scanned in"
        )


def _refuse_chroma(values: Rgb, where: str) -> None:
    """Refuse luma and chromas: red scatters far more than green and blue, and these lie near their zero.

    On 61 real cores and regions red scatters at most 1.1 times as much as the others, and luma 2.2 times
    or more.
    """
    middle = np.median(np.abs(values.astype(np.int16) - _CHROMA_ZERO), axis=0)
    spread = values.astype(np.float32).std(axis=0)
    more = spread[0] / max(float(spread[1:].max()), 1e-3)
    if any((middle[1:] <= near).all() and more > least for near, least in _CHROMA):
        raise SlideError(
            f"{where}: green and blue lie near {_CHROMA_ZERO} and only red varies, as where YCbCr samples "
            f"are shown as RGB without conversion; convert the file to RGB, for colours are never guessed"
        )


def _refuse_glass(pixels: Rgb, scanned: Bools, glass: Glass, where: str) -> None:
    """Refuse a slide whose most frequent smooth and bright colour is too vivid for glass."""
    if glass.seen:
        return
    grey = mean_level(pixels)
    mean = ndimage.uniform_filter(grey, 3)
    smooth = ndimage.uniform_filter(grey * grey, 3) - mean * mean <= _FLAT**2
    values = pixels[smooth & scanned]
    if not len(values):
        return
    bins, counts = np.unique(values // 16, axis=0, return_counts=True)
    near = (np.abs(values.astype(np.int16) - (16 * bins[counts.argmax()] + 8)) <= 16).all(axis=1)
    colour = np.median(values[near], axis=0)
    vivid = (colour.max() - colour.min()) / max(1.0, float(colour.max()))
    if near.sum() > _FLAT_SHARE * scanned.sum() and colour.max() > 180 and vivid > _COLOURED:
        red, green, blue = (int(value) for value in colour)
        raise SlideError(
            f"{where}: the empty glass has the colour ({red}, {green}, {blue}), which is no colour of glass "
            f"(saturation {vivid:.2f}, up to {_COLOURED} is allowed); the file states a wrong colour space"
        )
