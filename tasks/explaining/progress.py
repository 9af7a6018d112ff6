"""Finished maps of a slide, in whole spans; the index rows of a span say that it is complete."""

import shutil
from pathlib import Path

import pandas as pd
from torch import Tensor

from tasks.artifacts.attributions import ATTRIBUTIONS, create_maps

CHUNK = 64
"""Maps in one chunk of the array; spans are whole chunks, so that no chunk is ever written twice."""


class Progress:
    """The unfinished maps [count, tile_px, tile_px] of one slide below ``work``."""

    def __init__(self, work: Path, count: int, tile_px: int) -> None:
        self._folder = work / "explained"
        self.maps_folder = work / ATTRIBUTIONS
        if not any(self._folder.glob("*.parquet")):
            # Without a complete span the array may be unfinished.
            self.forget()
            self._folder.mkdir(parents=True)
            create_maps(work, count, tile_px, CHUNK)
        import zarr  # a plan need not spend its time

        self._maps = zarr.open_array(self.maps_folder, mode="r+")

    def has(self, span: slice) -> bool:
        """Say whether the maps of ``span`` are written."""
        return self._path(span).is_file()

    def keep(self, span: slice, maps: Tensor, index: pd.DataFrame) -> None:
        """Write the maps of ``span``, then atomically the index rows that say they are complete."""
        self._maps[span] = maps.numpy()
        draft = self._path(span).with_suffix(".draft")
        index.to_parquet(draft, index=False)
        draft.replace(self._path(span))

    def index(self) -> pd.DataFrame:
        """Return the rows of all spans in order."""
        pieces = [pd.read_parquet(path) for path in sorted(self._folder.glob("*.parquet"))]
        columns = ["tile_id", "target", "completeness_error", "map_sum"]
        return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=columns)

    def forget(self) -> None:
        """Remove everything."""
        for folder in (self._folder, self.maps_folder):
            shutil.rmtree(folder, ignore_errors=True)

    def _path(self, span: slice) -> Path:
        return self._folder / f"{span.start:08d}_{span.stop:08d}.parquet"
