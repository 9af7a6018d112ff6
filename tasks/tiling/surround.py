"""The explained tiles of one slide with the pixels around them: the work of stage ``surround``."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.surrounded_tiles import SURROUNDED, SURROUNDED_INDEX
from tasks.artifacts.tile_set import TileSet
from tasks.samples.sampled_tiles import sampled_rows
from tasks.slides.errors import SlideError
from tasks.slides.pixels import Rgb
from tasks.slides.reader import SlideReader, open_slide
from tasks.slides.row import SlideRow
from tasks.tiling.layout import look_for_tissue
from tasks.tiling.recipe import TilingRecipe

_BLOCK = 8
_ROUNDING = 1
"""Levels of 255 by which resampling the larger square may differ from resampling the tile."""


@dataclass(frozen=True)
class HaloJob:
    """Which tiles are read again, and how much around them.

    Attributes:
        halo_px: pixels on each side, at the resolution of the tiles.
        tiles_per_slide: the sample of tiles that is explained; None: all.
        tiling: how the slide was tiled. It says where tissue ends, for the background colour.
    """

    halo_px: int
    tiles_per_slide: int | None
    tiling: TilingRecipe


def surround_tiles(
    row: SlideRow,
    data_root: Path,
    tiles: TileSet,
    job: HaloJob,
    out: Path,
    advance: Callable[[int], None] = lambda _: None,
) -> dict[str, float]:
    """Write the SurroundedTiles payload of one slide.

    The larger squares are read as the tiles were, at the same resolution and with the same resampling, and
    their middle is the stored tile, bit for bit. Outside of the scanned area they have the slide's background
    colour. Where a square cannot be read, all around the tile has that colour.

    Returns:
        Measures: seconds, tiles, filled_tiles, and middle_difference, the most that the middle of a square
        differed from the stored tile before it was replaced, in levels of 255.

    Raises:
        SlideError: the slide cannot be opened, or its tiles are no longer those that were stored.
    """
    start = time.perf_counter()
    rows = sampled_rows(tiles, job.tiles_per_slide)
    side = tiles.pixels.shape[1] + 2 * job.halo_px
    shape = (len(rows), side, side, 3)
    pixels = np.lib.format.open_memmap(out / SURROUNDED, mode="w+", dtype=np.uint8, shape=shape)
    filled, most = np.zeros(len(rows), dtype=np.bool_), 0
    with open_slide(data_root / row.path, row.mpp, resample=job.tiling.resample) as slide:
        surrounding = _Surrounding(
            slide, tiles, job.halo_px, background_colour(slide, job.tiling, row.slide_id)
        )
        for place in _reading_order(tiles.table.iloc[rows]):
            pixels[place], differs = surrounding.read(int(rows[place]))
            filled[place] = differs is None
            most = max(most, differs or 0)
            advance(1)
    pixels.flush()
    names = tiles.table["tile_id"].iloc[rows].astype(str).tolist()
    index = pd.DataFrame({"tile_id": names, "halo_px": job.halo_px, "filled": filled})
    index.to_parquet(out / SURROUNDED_INDEX, index=False)
    return {
        "seconds": time.perf_counter() - start,
        "tiles": float(len(rows)),
        "filled_tiles": float(filled.sum()),
        "middle_difference": float(most),
    }


def background_colour(slide: SlideReader, tiling: TilingRecipe, where: str) -> NDArray[np.uint8]:
    """Return [3]: the median colour of the slide outside of its tissue; white where all of it is tissue."""
    overview, tissue = look_for_tissue(slide, tiling, where)
    bare = overview.pixels[overview.readable & ~tissue.mask]
    return np.median(bare, axis=0).astype(np.uint8) if len(bare) else np.full(3, 255, np.uint8)


@dataclass(frozen=True)
class _Surrounding:
    """Reads tiles with what surrounds them."""

    slide: SlideReader
    tiles: TileSet
    halo_px: int
    background: NDArray[np.uint8]

    def read(self, row: int) -> tuple[Rgb, int | None]:
        """Return a surrounded tile and how much its middle differed; None where it could not be read."""
        stored = self.tiles.pixels[row]
        inner = slice(self.halo_px, self.halo_px + len(stored))
        try:
            pixels = self._square(row, len(stored))
        except SlideError:
            side = len(stored) + 2 * self.halo_px
            pixels, differs = np.broadcast_to(self.background, (side, side, 3)).copy(), None
        else:
            differs = int(np.abs(pixels[inner, inner].astype(np.int16) - stored).max())
            self._refuse_other(row, differs)
        pixels[inner, inner] = stored
        return pixels, differs

    def _square(self, row: int, tile_px: int) -> Rgb:
        tile = self.tiles.table.iloc[row]
        step = float(tile["extent_level0"]) / tile_px
        side = tile_px + 2 * self.halo_px
        left, top = (float(tile[name]) - self.halo_px * step for name in ("x_level0", "y_level0"))
        pixels = self.slide.read(left, top, side * step, side).copy()
        geometry, centres = self.slide.geometry, step * (np.arange(side, dtype=np.float64) + 0.5)
        beside = _outside(centres, geometry.bounds_x - left, geometry.bounds_width)
        above = _outside(centres, geometry.bounds_y - top, geometry.bounds_height)
        pixels[:, beside] = self.background
        pixels[above] = self.background
        return pixels

    def _refuse_other(self, row: int, differs: int) -> None:
        if differs > _ROUNDING:
            name = self.tiles.table["tile_id"].iloc[row]
            raise SlideError(
                f"tile {name}: the slide gives other pixels than were stored, by up to {differs} of 255 "
                f"levels, allowed are {_ROUNDING}; tile the slide again"
            )


def _outside(centres: NDArray[np.float64], start: float, length: float) -> NDArray[np.bool_]:
    return (centres < start) | (centres > start + length)


def _reading_order(table: pd.DataFrame) -> NDArray[np.intp]:
    """Return the order in which neighbours are read together; see :func:`tasks.tiling.grid.reading_order`."""
    x, y = (table[name].to_numpy(dtype=np.float64) for name in ("x_level0", "y_level0"))
    block = _BLOCK * table["extent_level0"].to_numpy(dtype=np.float64)
    return np.lexsort((x, y, x // block, y // block))
