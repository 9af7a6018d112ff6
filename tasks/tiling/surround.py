"""The explained tiles of one slide with the pixels around them: the work of stage ``surround``."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.allocated import new_array
from tasks.artifacts.surrounded_tiles import SURROUND, SURROUNDED, SURROUNDED_INDEX, SurroundInfo
from tasks.artifacts.tile_masks import read_mask_info
from tasks.artifacts.tile_set import CRC, TileSet
from tasks.functional.pixels import spans
from tasks.samples.sampled_tiles import sampled_rows
from tasks.slides.errors import SlideError
from tasks.slides.neighbours import neighbours_together
from tasks.slides.opening import Opening, read_reading
from tasks.slides.pixels import Rgb
from tasks.slides.row import SlideRow
from tasks.tiling.halo import Halo
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.squares import digests

_SPAN = 256
"""Tiles read at once; memory is bounded by them."""
_ROUNDING = 1
"""Levels of 255 by which resampling the larger square may differ from resampling the tile."""


@dataclass(frozen=True)
class HaloJob:
    """Which tiles are read again, and how much around them.

    Attributes:
        halo_px: pixels on each side, at the resolution of the tiles.
        tiles_per_slide: the sample of tiles that is explained; None: all.
        tiling: how the slide was tiled. It says whether pixels are kept.
    """

    halo_px: int
    tiles_per_slide: int | None
    tiling: TilingRecipe


@dataclass(frozen=True)
class _Found:
    """What was found of each square, [N]."""

    filled: NDArray[np.bool_]
    cut: NDArray[np.bool_]
    crc: NDArray[np.uint32]


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
    their middle is the tile, bit for bit. Outside of the scanned area they have the slide's background
    colour. Where a square cannot be read, all around the tile has that colour.

    Returns:
        Measures: seconds, tiles, filled_tiles, and middle_difference, the most that the middle of a square
        differed from the tile before it was replaced, in levels of 255.

    Raises:
        SlideError: the slide cannot be opened, or its tiles are no longer those that were cut.
    """
    start = time.perf_counter()
    rows = sampled_rows(tiles, job.tiles_per_slide)
    chosen = tiles.table.iloc[rows]
    x, y = (chosen[name].to_numpy(dtype=np.float64) for name in ("x_level0", "y_level0"))
    extent = float(chosen["extent_level0"].iloc[0]) if len(chosen) else 1.0
    tile_px = tiles.pixels.shape[1]
    found = _Found(np.zeros(len(rows), bool), np.zeros(len(rows), bool), np.zeros(len(rows), np.uint32))
    most = 0
    reading = read_reading(tiles.folder)
    with Opening.again(row, data_root, reading).open() as slide:
        halo = Halo(job.halo_px, tile_px, extent, read_mask_info(tiles.folder).background)
        kept = _kept(out, len(rows), halo.side) if job.tiling.keep == "pixels" else None
        order = neighbours_together(x, y, extent)
        for span in spans(len(rows), _SPAN):
            here = order[span]
            squares, read = halo.read(slide, x[here], y[here])
            differs = _put_in(squares, read, tiles, rows[here], halo)
            most = max(most, int(differs.max(initial=0)))
            found.filled[here], found.cut[here], found.crc[here] = (
                ~read,
                (differs > 0) | ~read,
                digests(squares),
            )
            if kept is not None:
                kept[here] = squares
            advance(len(here))
    reading.write(out)
    _write(out, chosen, halo, found)
    return {
        "seconds": time.perf_counter() - start,
        "tiles": float(len(rows)),
        "filled_tiles": float(found.filled.sum()),
        "middle_difference": float(most),
    }


def _put_in(
    squares: Rgb, read: NDArray[np.bool_], tiles: TileSet, rows: NDArray[np.intp], halo: Halo
) -> NDArray[np.int64]:
    """Put the tiles into the middle of their squares, and return by how much these differed, [N]."""
    stored = tiles.pixels[rows]
    middle = (slice(None), *halo.inner)
    apart = np.abs(squares[middle].astype(np.int16) - stored).max(axis=(1, 2, 3), initial=0).astype(np.int64)
    differs = np.where(read, apart, 0)
    squares[middle] = stored
    if (differs > _ROUNDING).any():
        name = tiles.table["tile_id"].iloc[rows[differs.argmax()]]
        raise SlideError(
            f"tile {name}: the slide gives other pixels than were stored, by up to {differs.max()} of 255 "
            f"levels, allowed are {_ROUNDING}; tile the slide again"
        )
    return differs


def _kept(out: Path, count: int, side: int) -> Rgb:
    return new_array(out / SURROUNDED, (count, side, side, 3), np.uint8)


def _write(out: Path, chosen: pd.DataFrame, halo: Halo, found: _Found) -> None:
    places = chosen[["slide_id", "x_level0", "y_level0", "extent_level0"]].reset_index(drop=True)
    names = chosen["tile_id"].astype(str).tolist()
    index = pd.DataFrame({"tile_id": names, "halo_px": halo.halo_px, "filled": found.filled})
    digested = places.assign(cut=found.cut, **{CRC: found.crc})
    pd.concat([index, digested], axis=1).to_parquet(out / SURROUNDED_INDEX, index=False)
    info = SurroundInfo(tile_px=halo.tile_px, background=halo.background)
    (out / SURROUND).write_text(info.model_dump_json(indent=1) + "\n", encoding="utf-8")
