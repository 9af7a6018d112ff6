"""Attributions: the raw maps of one explainer on one slide, for one checkpoint.

Payload: ``attributions.zarr`` float32 [N, H, W], signed and unscaled, and ``index.parquet``, one row per map
in the same order: tile_id, target (class index), logit_<class index>, completeness_error (NaN where the
explainer promises none).
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import zarr
from numpy.typing import NDArray

from tasks.artifacts.artifact import Artifact

ATTRIBUTIONS = "attributions.zarr"
INDEX = "index.parquet"


@dataclass(frozen=True)
class Attributions(Artifact):
    """A read-only view of the maps of one slide."""

    @cached_property
    def index(self) -> pd.DataFrame:
        """One row per map, N rows, in the order of the maps."""
        return pd.read_parquet(self.folder / INDEX)

    def maps(self, rows: slice | None = None) -> NDArray[np.float32]:
        """Return float32 [N, H, W], all or a slice of them."""
        array = zarr.open_array(self.folder / ATTRIBUTIONS, mode="r")
        return np.asarray(array[rows or slice(None)], dtype=np.float32)

    @property
    def logits(self) -> NDArray[np.float64]:
        """[N, K] logits of the clean forward pass, classes in the checkpoint's order."""
        names = sorted((c for c in self.index.columns if c.startswith("logit_")), key=_class_index)
        return self.index[names].to_numpy(dtype=np.float64)


def create_maps(folder: Path, count: int, tile_px: int, chunk: int = 64) -> zarr.Array:
    """Create the empty zarr [count, tile_px, tile_px] of an attribution set, to be filled by slices."""
    return zarr.create_array(
        folder / ATTRIBUTIONS,
        shape=(count, tile_px, tile_px),
        chunks=(max(1, min(chunk, count)), tile_px, tile_px),
        dtype="float32",
        fill_value=float("nan"),
    )


def _class_index(column: str) -> int:
    return int(column.rpartition("_")[2])
