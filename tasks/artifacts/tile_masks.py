"""The masks of a slide's tiles, kept once per slide: as pictures of the whole slide, or as polygons.

Files: ``masks.json`` (:class:`MaskInfo`), ``tissue_mask.png``, for outlines ``outlines.parquet`` or, where
the annotation is an image, ``annotation_mask.png``, and one picture for each mark that the manifest names.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from tasks.artifacts.outlined import OutlinedMask, read_outlined
from tasks.artifacts.slide_picture import SampledPicture, Squares
from tasks.artifacts.tile_array import TileArray

MASKS = "masks.json"
OUTLINES = "outlines.parquet"
TISSUE, ANNOTATION = "tissue", "annotation"

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255 each."""

Scale = tuple[float, float]
"""Level-0 pixels per pixel of a picture along x and y."""


class MaskInfo(BaseModel):
    """Which pictures there are.

    Attributes:
        tile_px: side of a tile in pixels.
        scales: for each picture its level-0 pixels per pixel along x and y.
        tissue_colour: the mean colour of the tissue of all tiles that could be read, RGB from 0 to 1; white
            where they hold none.
        background: the median colour of the slide outside of its tissue; white where all of it is tissue.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tile_px: int
    scales: dict[str, Scale]
    tissue_colour: tuple[float, float, float]
    background: Colour


def picture_file(name: str) -> str:
    """Return the file of the picture ``name``: ``tissue``, ``annotation`` or a mark."""
    return f"{name}_mask.png"


@dataclass(frozen=True)
class TileMasks:
    """The masks of the tiles ``squares`` in the payload ``folder``; each is made where it is asked for."""

    folder: Path
    info: MaskInfo
    squares: Squares

    @property
    def tissue(self) -> TileArray:
        """uint8 [N, H, W], 1 on tissue."""
        return self._picture(TISSUE, binary=True)

    @cached_property
    def annotation(self) -> TileArray:
        """uint8 [N, H, W], class index, 0 where nothing was outlined."""
        if ANNOTATION in self.info.scales:
            return self._picture(ANNOTATION, binary=False)
        return OutlinedMask(self.squares, read_outlined(self.folder / OUTLINES))

    def mark(self, name: str) -> TileArray | None:
        """Return uint8 [N, H, W] of 0 and 1, 1 on the mark; None where there is no picture of it."""
        return self._picture(name, binary=True) if name in self.info.scales else None

    def _picture(self, name: str, *, binary: bool) -> SampledPicture:
        path = self.folder / picture_file(name)
        return SampledPicture(self.squares, path, self.info.scales[name], binary)


def read_mask_info(folder: Path) -> MaskInfo:
    """Return what a payload says of its masks."""
    return MaskInfo.model_validate_json((folder / MASKS).read_bytes())


def read_masks(folder: Path, table: pd.DataFrame) -> TileMasks:
    """Return the masks of the tiles of a payload.

    Args:
        folder: the payload.
        table: one row per tile: x_level0, y_level0 and extent_level0, one extent for all.
    """
    info = read_mask_info(folder)
    x, y = (table[name].to_numpy(dtype=np.float64) for name in ("x_level0", "y_level0"))
    extent = float(table["extent_level0"].iloc[0]) if len(table) else 1.0
    return TileMasks(folder, info, Squares(x, y, extent, info.tile_px))
