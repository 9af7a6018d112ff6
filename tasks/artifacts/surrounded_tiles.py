"""SurroundedTiles: the explained tiles of one slide with the pixels around them.

Payload: ``surrounded.npy`` uint8 [N, H + 2 halo, W + 2 halo, 3], RGB, and ``index.parquet``, one row per tile
in the same order: tile_id, halo_px, and ``filled``, True where what surrounds the tile could not be read and
has the slide's background colour.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.artifact import Artifact

SURROUNDED = "surrounded.npy"
SURROUNDED_INDEX = "index.parquet"


@dataclass(frozen=True)
class SurroundedTiles(Artifact):
    """A read-only view of tiles with their surroundings; pixels are memory-mapped."""

    @cached_property
    def index(self) -> pd.DataFrame:
        """One row per tile, in the order of the pixels."""
        return pd.read_parquet(self.folder / SURROUNDED_INDEX)

    @property
    def halo_px(self) -> int:
        """How many pixels each side adds to the tile; 0 where there are no tiles."""
        return int(self.index["halo_px"].iloc[0]) if len(self.index) else 0

    @cached_property
    def pixels(self) -> NDArray[np.uint8]:
        """uint8 [N, H + 2 halo_px, W + 2 halo_px, 3], RGB; the middle is the tile as it is stored."""
        array: NDArray[np.uint8] = np.load(self.folder / SURROUNDED, mmap_mode="r", allow_pickle=False)
        return array
