"""Decoding one compressed source tile to RGB, exactly as OpenSlide does."""

import imagecodecs
import numpy as np

from tasks.slides.direct.layout import DirectLevel
from tasks.slides.level_region import Rgb

_START_OF_SCAN = b"\xff\xda"
_MARKER, _END_OF_IMAGE, _RESTARTS = 0xFF, 0xD9, (0xD0, 0xD7)
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
    begin = data.find(_START_OF_SCAN) + 2
    values = np.frombuffer(data, np.uint8)
    after = values[np.flatnonzero(values[begin:-1] == _MARKER) + begin + 1]
    markers = after[(after != 0) & (after != _MARKER) & ((after < _RESTARTS[0]) | (after > _RESTARTS[1]))]
    if markers.tolist() != [_END_OF_IMAGE] or (pixels[-1, -1] == _NO_DATA).all():
        raise TileError("the source tile looks damaged")


def _lossless(compressed: bytes, level: DirectLevel) -> Rgb:
    size = level.tile_height * level.tile_width * 3
    data: bytes | bytearray = compressed
    if level.codec == "deflate":
        data = imagecodecs.zlib_decode(compressed, out=size)
    elif level.codec == "lzw":
        data = imagecodecs.lzw_decode(compressed, out=size)
    elif level.codec == "zstd":
        data = imagecodecs.zstd_decode(compressed, out=size)
    pixels = np.frombuffer(data, np.uint8, size).reshape(level.tile_height, level.tile_width, 3)
    if level.predictor:
        restored: Rgb = imagecodecs.delta_decode(pixels, axis=-2)
        return restored
    return pixels


_CENTRED = np.arange(-128, 128)
_RED_OF_RED = np.rint(1.402 * _CENTRED).astype(np.int32)
_GREEN_OF_BLUE = np.rint(-0.34414 * 65536 * _CENTRED).astype(np.int32)
_GREEN_OF_RED = np.rint(-0.71414 * 65536 * _CENTRED).astype(np.int32) + 32768
_BLUE_OF_BLUE = np.rint(1.772 * _CENTRED).astype(np.int32)
"""What the chroma samples 0 to 255 add to each colour; green in steps of 1/65536, with half a step more."""


def _rgb_of_ycbcr(samples: Rgb) -> Rgb:
    """Convert with the coefficients and the rounding that OpenSlide has for JPEG 2000."""
    luma, blue, red = samples[..., 0].astype(np.int32), samples[..., 1], samples[..., 2]
    green = (_GREEN_OF_BLUE[blue] + _GREEN_OF_RED[red]) >> 16
    channels = (luma + _RED_OF_RED[red], luma + green, luma + _BLUE_OF_BLUE[blue])
    return np.stack(channels, axis=-1).clip(0, 255).astype(np.uint8)
