"""Tiles that are cut out of one large image, with what surrounds them."""

from pathlib import Path

import numpy as np
import pandas as pd

from tasks.artifacts.surrounded_tiles import SURROUNDED, SURROUNDED_INDEX, SurroundedTiles
from tasks.artifacts.tile_set import PIXELS, TILES, TileSet


def cut_out(
    folder: Path, image: np.ndarray, tile_px: int, halo_px: int, margin_px: int
) -> tuple[TileSet, SurroundedTiles]:
    """Cut ``image``, uint8 [h, w, 3], into tiles that leave out ``margin_px`` all around."""
    inside = [range(margin_px, side - margin_px - tile_px + 1, tile_px) for side in image.shape[:2]]
    corners = [(y, x) for y in inside[0] for x in inside[1]]
    tiles, around = folder / "tiles", folder / "around"
    tiles.mkdir(parents=True)
    around.mkdir()
    names = [f"large/{x}_{y}" for y, x in corners]
    np.save(tiles / PIXELS, squares(image, corners, tile_px, 0))
    table = pd.DataFrame({"tile_id": names, "slide_id": "large", "state": "ok"})
    table.assign(x_level0=[x for _, x in corners], y_level0=[y for y, _ in corners]).to_parquet(tiles / TILES)
    np.save(around / SURROUNDED, squares(image, corners, tile_px, halo_px))
    index = pd.DataFrame({"tile_id": names, "halo_px": halo_px, "filled": False})
    index.to_parquet(around / SURROUNDED_INDEX)
    return TileSet(tiles), SurroundedTiles(around)


def squares(image: np.ndarray, corners: list[tuple[int, int]], tile_px: int, halo_px: int) -> np.ndarray:
    """Return the squares at some corners (y, x) with ``halo_px`` more on each side."""
    side = tile_px + 2 * halo_px
    return np.stack([image[y - halo_px :, x - halo_px :][:side, :side] for y, x in corners])


def stitched(maps: np.ndarray, tiles: TileSet, shape: tuple[int, int]) -> np.ndarray:
    """Return the maps [N, H, W] in their places in an image of ``shape``, NaN where no tile is."""
    canvas, side = np.full(shape, np.nan, np.float32), maps.shape[1]
    for tile, x, y in zip(maps, tiles.table["x_level0"], tiles.table["y_level0"], strict=True):
        canvas[y : y + side, x : x + side] = tile
    return canvas
