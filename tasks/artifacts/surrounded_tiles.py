"""SurroundedTiles: the explained tiles of one slide with the pixels around them.

Payload: ``index.parquet``, one row per tile: tile_id, halo_px, ``filled``, True where what surrounds the tile
could not be read and has the slide's background colour, and what is needed to read the pixels again:
slide_id, x_level0, y_level0, extent_level0, ``cut``, True where the middle is not what was read but the tile,
and ``pixels_crc32``, the digest of the whole square. ``surround.json`` holds the background colour and the
side of a tile. A study may keep the pixels: then ``surrounded.npy`` holds them as uint8
[N, H + 2 halo, W + 2 halo, 3].
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

import pandas as pd
from pydantic import BaseModel, ConfigDict

from tasks.artifacts.artifact import Artifact
from tasks.artifacts.pixel_source import PixelSource, refuse_absent
from tasks.artifacts.tile_array import TileArray, stored_array
from tasks.artifacts.tile_masks import Colour

SURROUNDED = "surrounded.npy"
SURROUNDED_INDEX = "index.parquet"
SURROUND = "surround.json"


class SurroundInfo(BaseModel):
    """How the squares of one slide are made.

    Attributes:
        tile_px: side of a tile in pixels.
        background: the colour of what lies outside of the scanned area, RGB.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tile_px: int
    background: Colour


@dataclass(frozen=True)
class SurroundedTiles(Artifact):
    """A read-only view of tiles with their surroundings.

    Attributes:
        source: where pixels are read from that are not kept.
    """

    source: PixelSource | None = field(default=None, repr=False, compare=False)

    @classmethod
    def open(cls, folder: Path, source: PixelSource | None = None) -> Self:
        """Return the view of a payload whose pixels, where it keeps none, come from ``source``."""
        return cls(folder, source)

    @cached_property
    def index(self) -> pd.DataFrame:
        """One row per tile, in the order of the pixels."""
        return pd.read_parquet(self.folder / SURROUNDED_INDEX)

    @property
    def halo_px(self) -> int:
        """How many pixels each side adds to the tile; 0 where there are no tiles."""
        return int(self.index["halo_px"].iloc[0]) if len(self.index) else 0

    @cached_property
    def info(self) -> SurroundInfo:
        """How the squares are made."""
        return SurroundInfo.model_validate_json((self.folder / SURROUND).read_bytes())

    @cached_property
    def pixels(self) -> TileArray:
        """uint8 [N, H + 2 halo_px, W + 2 halo_px, 3], RGB; the middle is the tile.

        Raises:
            NoPixelsError: none are kept, and the view was opened without their source.
        """
        if (self.folder / SURROUNDED).is_file():
            return stored_array(self.folder / SURROUNDED)
        if self.source is None:
            raise refuse_absent("the surroundings", self.folder.name)
        return self.source.surrounded_pixels(self)
