"""A linear network and tiles whose accuracy under weight noise has a closed form."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tasks.artifacts.tile_set import PIXELS, TILES, TileSet
from tasks.functional.noise import seed_of
from tests._support.small_networks import LinearNetwork
from tests._support.tile_sets import make_tile_set

SIDE = 16


def pixel_detector() -> LinearNetwork:
    """Return a network whose margin is the sum over odd pixels less that over even ones, of red alone."""
    sign = torch.ones(SIDE * SIDE)
    sign[::2] = -1.0
    weight = torch.zeros(3, SIDE, SIDE)
    weight[0] = sign.view(SIDE, SIDE)
    return LinearNetwork(weight)


def pixel_tiles(folder: Path, slide_id: str = "v1", first: int = 0, count: int = SIDE * SIDE) -> TileSet:
    """Write tiles that are black but for one white pixel each, from number ``first`` on.

    Tiles of odd pixels are tumour, of even ones normal. Under noise of sigma :func:`pixel_detector` errs on a
    tile where the one factor 1 + sigma x eta that it meets is below zero: one normal number decides.
    """
    make_tile_set(folder, slide_id, "p", "val", count, SIDE)
    pixels = np.zeros((count, SIDE * SIDE, 3), np.uint8)
    numbers = first + np.arange(count)
    pixels[np.arange(count), numbers] = 255
    np.save(folder / PIXELS, pixels.reshape(count, SIDE, SIDE, 3))
    table = pd.read_parquet(folder / TILES)
    table["label"] = np.where(numbers % 2, "tumour", "normal")
    table.to_parquet(folder / TILES, index=False)
    return TileSet(folder)


def pixel_noise(seed: int, draws: int) -> Tensor:
    """Return the eta [draws, SIDE * SIDE] that the weights of the red channel meet."""
    found = []
    for draw in range(draws):
        generator = torch.Generator().manual_seed(seed_of(seed, draw, "weight"))
        found.append(torch.randn(3, SIDE, SIDE, generator=generator)[0].flatten())
    return torch.stack(found)
