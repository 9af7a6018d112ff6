"""Images of the whole slide that mark something on it."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tasks.slides.errors import SlideError
from tasks.slides.geometry import SlideGeometry


def load_mark(path: Path, geometry: SlideGeometry) -> tuple[NDArray[np.bool_], tuple[float, float]]:
    """Return an image of marks as bool [h, w] with its level-0 pixels per pixel along x and y.

    The image covers the whole slide; any value but 0, in any channel but alpha, is a mark.

    Raises:
        SlideError: not an image, or its sides do not have the slide's proportions (to one pixel).
    """
    values, bands, _ = open_picture(path)
    mask = _nonzero(values, bands)
    scale = scale_of(path.name, mask, geometry)
    return mask, (scale, scale)


def open_picture(path: Path) -> tuple[NDArray[Any], tuple[str, ...], str]:
    """Return the values of an image file, [h, w] or [h, w, bands], its bands, and Pillow's name of its mode.

    Raises:
        SlideError: it is no image that can be read.
    """
    try:
        with Image.open(path) as image:
            return np.asarray(image), image.getbands(), image.mode
    except (OSError, Image.DecompressionBombError) as error:
        raise SlideError(
            f"{path.name} is no image that can be read: {error}".replace(str(path), path.name)
        ) from error


def scale_of(name: str, values: NDArray[Any], geometry: SlideGeometry) -> float:
    """Return the level-0 pixels per pixel of a picture [h, w] that covers the whole slide.

    Raises:
        SlideError: its sides do not have the slide's proportions (to one pixel).
    """
    height, width = values.shape
    scale = geometry.width_level0 / int(width)
    if abs(height - geometry.height_level0 / scale) > 1:
        raise SlideError(
            f"{name}: {width} x {height} px do not cover a slide of "
            f"{geometry.width_level0} x {geometry.height_level0} px; both sides must shrink alike"
        )
    return scale


def _nonzero(values: NDArray[np.generic], bands: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return where any band but alpha is set; of a palette image the indices count, not the colours."""
    stacked = values.reshape(*values.shape[:2], len(bands))
    coloured = [i for i, band in enumerate(bands) if band != "A"]
    found: NDArray[np.bool_] = (stacked[..., coloured] != 0).any(axis=-1)
    return found
