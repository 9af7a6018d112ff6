"""Finished maps of a slide, in whole files; the index rows of a span say that it is complete."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.attributions import ATTRIBUTIONS, MAP_SCALE, SHARD, MapDtype, create_maps, shard_files
from tasks.functional.pixels import spans

AnyMaps = NDArray[np.float16] | NDArray[np.float32]
"""Maps [n, H, W] as they are stored."""


class Progress:
    """The unfinished maps [count, tile_px, tile_px] of one slide below ``work``.

    A span is the maps of one file, so that no file is ever written twice.
    """

    def __init__(self, work: Path, count: int, tile_px: int, dtype: MapDtype) -> None:
        self._folder = work / "explained"
        self._count, self._tile_px, self._dtype = count, tile_px, dtype
        self.maps_folder = work / ATTRIBUTIONS
        self._rooms: AnyMaps | None = None
        self._turn = 0
        if any(self._folder.glob("*.parquet")):
            import zarr  # a plan need not spend its time

            self._drop_unfinished()
            self._maps = zarr.open_array(self.maps_folder, mode="r+")
        else:
            # Without a complete span the array may be unfinished.
            self.forget()
            self._folder.mkdir(parents=True)
            self._maps = create_maps(work, count, tile_px, dtype)

    def spans(self) -> Iterator[slice]:
        """Yield the rows of each file, in order."""
        return spans(self._count, SHARD)

    def has(self, span: slice) -> bool:
        """Say whether the maps of ``span`` are written."""
        return self._path(span).is_file()

    def room(self, span: slice) -> AnyMaps:
        """Return an array for the maps of ``span``, not filled.

        There are two in all, in turns: one is filled while the other is written. New ones for each file would
        leave holes in memory that nothing else fits into.
        """
        if self._rooms is None:
            shape = (2, min(SHARD, self._count), self._tile_px, self._tile_px)
            self._rooms = np.empty(shape, np.dtype(self._dtype))
        self._turn = 1 - self._turn
        return self._rooms[self._turn, : span.stop - span.start]

    def keep(self, span: slice, maps: AnyMaps, index: pd.DataFrame) -> None:
        """Write the maps of ``span``, then atomically the index rows that say they are complete."""
        self._maps[span] = maps
        draft = self._path(span).with_suffix(".draft")
        index.to_parquet(draft, index=False)
        draft.replace(self._path(span))

    def index(self) -> pd.DataFrame:
        """Return the rows of all spans in order."""
        pieces = [pd.read_parquet(path) for path in sorted(self._folder.glob("*.parquet"))]
        columns = ["tile_id", "target", "completeness_error", "map_sum"]
        columns += [MAP_SCALE] if self._dtype == "float16" else []
        return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=columns)

    def forget(self) -> None:
        """Remove everything."""
        for folder in (self._folder, self.maps_folder):
            shutil.rmtree(folder, ignore_errors=True)

    def _drop_unfinished(self) -> None:
        """Remove what a kill left of files that nothing vouches for."""
        for number, span in enumerate(self.spans()):
            if not self.has(span):
                for path in shard_files(self.maps_folder, number):
                    path.unlink()

    def _path(self, span: slice) -> Path:
        return self._folder / f"{span.start:08d}_{span.stop:08d}.parquet"
