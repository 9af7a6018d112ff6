"""Which tiles of a slide are explained."""

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.tile_set import TileSet
from tasks.functional.sample import sampled


def sampled_rows(tiles: TileSet, most: int | None) -> NDArray[np.intp]:
    """Return the rows of the tiles that are explained, in table order; see :mod:`tasks.functional.sample`."""
    usable = tiles.usable
    return usable[sampled(tiles.table["tile_id"].iloc[usable].astype(str).tolist(), most)]
