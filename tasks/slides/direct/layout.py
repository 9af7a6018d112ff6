"""Where the compressed tiles of a slide lie in its file: small enough to be stored with the slide."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Codec = Literal["jpeg", "jpeg2000", "deflate", "lzw", "zstd", "none"]


class NotDirectError(Exception):
    """A file, or a level of it, is not understood; the message says why OpenSlide reads it instead."""


class FileArray(BaseModel):
    """Numbers, or bytes, at a position of the file.

    Attributes:
        offset: first byte in the file.
        count: how many there are.
        dtype: numpy's name of their type, with the byte order, such as ``<u8``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    offset: int
    count: int
    dtype: str


class DirectLevel(BaseModel):
    """One level as a grid of compressed tiles.

    Attributes:
        width: width in pixels.
        height: height in pixels.
        downsample: level-0 pixels per pixel, as OpenSlide has it.
        tile_width: width of a source tile in pixels.
        tile_height: height of a source tile in pixels.
        across: how many source tiles lie side by side in the file.
        codec: how a source tile is compressed.
        ycbcr: whether the compressed samples are YCbCr; otherwise they are RGB.
        predictor: whether neighbouring samples were subtracted before compression.
        offsets: where the tiles begin in the file.
        byte_counts: compressed bytes of the tiles; 0 where a tile is missing.
        tables: JPEG tables that all tiles share; None where each has its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int
    height: int
    downsample: float
    tile_width: int
    tile_height: int
    across: int
    codec: Codec
    ycbcr: bool
    predictor: bool
    offsets: FileArray
    byte_counts: FileArray
    tables: FileArray | None


class DirectLayout(BaseModel):
    """The levels of a file that are read directly.

    Attributes:
        file_bytes: size of the file; another size means another file.
        levels: one per level of the slide; None where a level is not used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file_bytes: int
    levels: tuple[DirectLevel | None, ...]
