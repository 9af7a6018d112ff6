"""Decoding one compressed source tile to RGB, exactly as OpenSlide does."""

import re

import imagecodecs
import numpy as np

from tasks.slides.direct.layout import DirectLevel
from tasks.slides.level_region import Rgb

_END_OF_IMAGE = b"\xff\xd9"
_START_OF_SCAN = b"\xff\xda"
_STRAY_MARKER = re.compile(b"\xff[^\x00\xd0-\xd7\xff]")
_NO_DATA = 128
"""The sample value that libjpeg writes where the compressed data ended too early."""


class TileError(Exception):
    """A source tile cannot be decoded, or it looks damaged; OpenSlide has the last word on it."""


def decode(data: bytes, level: DirectLevel, tables: bytes | None) -> Rgb:
    """Return a source tile as uint8 [tile_height, tile_width, 3], RGB.

    Raises:
        TileError: the data are damaged, or decode to another size.
    """
    try:
        pixels = _samples(data, level, tables)
    except (RuntimeError, ValueError) as error:  # every error of imagecodecs is a RuntimeError
        raise TileError(f"the source tile cannot be decoded: {error}") from error
    expected = (level.tile_height, level.tile_width, 3)
    if pixels.shape != expected or pixels.dtype != np.uint8:
        raise TileError(f"the source tile decodes to {pixels.shape} {pixels.dtype}, not to {expected} uint8")
    return pixels


def _samples(data: bytes, level: DirectLevel, tables: bytes | None) -> Rgb:
    if level.codec == "jpeg":
        space = "YCBCR" if level.ycbcr else "RGB"
        pixels: Rgb = imagecodecs.jpeg8_decode(data, tables=tables, colorspace=space, outcolorspace="RGB")
        _refuse_damaged(data, pixels)
        return pixels
    if level.codec == "jpeg2000":
        pixels = imagecodecs.jpeg2k_decode(data)
        return _rgb_of_ycbcr(pixels) if level.ycbcr else pixels
    return _lossless(data, level)


def _refuse_damaged(data: bytes, pixels: Rgb) -> None:
    """Raise where libjpeg had reason to warn, which our decoder does not pass on.

    OpenSlide takes a warning for an error. Damaged data mostly end too early, and then libjpeg fills the rest
    with one grey. Data without their end, or with a marker among them, are damaged as well.
    """
    stray = _STRAY_MARKER.search(data, data.find(_START_OF_SCAN) + 2)
    ends = data.rfind(_END_OF_IMAGE)
    if (pixels[-1, -1] == _NO_DATA).all() or stray is None or stray.start() != ends:
        raise TileError("the source tile looks damaged")


def _lossless(data: bytes, level: DirectLevel) -> Rgb:
    size = level.tile_height * level.tile_width * 3
    if level.codec == "deflate":
        data = imagecodecs.zlib_decode(data, out=size)
    elif level.codec == "lzw":
        data = imagecodecs.lzw_decode(data, out=size)
    elif level.codec == "zstd":
        data = imagecodecs.zstd_decode(data, out=size)
    pixels = np.frombuffer(data, np.uint8, size).reshape(level.tile_height, level.tile_width, 3)
    if level.predictor:
        restored: Rgb = imagecodecs.delta_decode(pixels, axis=-2)
        return restored
    return pixels


def _rgb_of_ycbcr(samples: Rgb) -> Rgb:
    """Convert as libjpeg and OpenSlide do: in fixed point of 16 bits, with rounding."""
    luma, blue, red = (samples[..., i].astype(np.int32) for i in range(3))
    blue, red = blue - 128, red - 128
    channels = (
        luma + ((91881 * red + 32768) >> 16),
        luma + ((-22554 * blue - 46802 * red + 32768) >> 16),
        luma + ((116130 * blue + 32768) >> 16),
    )
    return np.stack(channels, axis=-1).clip(0, 255).astype(np.uint8)
