"""Attribution sets made of given maps."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.artifacts.attributions import PixelMaps, create_maps
from tasks.artifacts.explained_samples import INDEX
from tasks.artifacts.tile_set import TileSet


def write_maps(
    folder: Path,
    tiles: TileSet,
    maps: np.ndarray,
    target: int = 1,
    rows: np.ndarray | None = None,
    error: float | np.ndarray = np.nan,
) -> PixelMaps:
    """Write float maps [N, H, W] of the N usable tiles, or of those of ``rows``, and open them.

    ``error`` is their completeness error, one for all or [N]; NaN: they were measured against nothing.
    """
    folder.mkdir(parents=True)
    names = tiles.table["tile_id"].iloc[tiles.usable if rows is None else rows].astype(str).tolist()
    index = pd.DataFrame({"tile_id": names, "target": target, "logit_0": 0.0, "logit_1": 0.0})
    index.assign(completeness_error=error).to_parquet(folder / INDEX, index=False)
    if len(names):
        create_maps(folder, len(names), maps.shape[1])[:] = maps.astype(np.float32)
    return PixelMaps(folder)


def maps_of(
    folder: Path,
    tile_sets: Sequence[TileSet],
    draw: Callable[[TileSet], np.ndarray],
    error: float = np.nan,
) -> tuple[PixelMaps, ...]:
    """Write ``draw(tiles)`` [N, H, W] for each slide below ``folder``, all of the completeness ``error``."""
    return tuple(
        write_maps(folder / str(i), tiles, draw(tiles), error=error) for i, tiles in enumerate(tile_sets)
    )


def darkness(tiles: TileSet) -> np.ndarray:
    """Return how dark each pixel of the usable tiles is, [N, H, W] in [0, 1]."""
    return 1 - tiles.pixels[tiles.usable].mean(axis=3) / 255.0


def noise(tiles: TileSet) -> np.ndarray:
    """Return signed noise [N, H, W], with ties in every map."""
    shape = (len(tiles.usable), *tiles.pixels.shape[1:3])
    return np.random.default_rng(0).normal(size=shape).round(1)
