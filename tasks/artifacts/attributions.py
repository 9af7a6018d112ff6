"""Attributions: what one explainer says of the tiles of one slide, or of all bags, for one checkpoint.

Payload of support ``pixel``: ``attributions.zarr`` float16 or float32 [N, H, W], signed, and
``index.parquet``, one row per map in the same order. One file of the array holds :data:`SHARD` maps. Maps of
float16 have a ``map_scale`` in the index, a power of two: value = stored * map_scale.

Payload of support ``tile``: see :mod:`tasks.artifacts.tile_scores`. It holds all slides of the model.

The index holds tile_id (of a bag: slide_id), target (class index), logit_<class index>, completeness_error
(NaN where the explainer promises none) and, of maps, map_sum. The maps of a blind control are of no model and
have no logits. completeness_error and map_sum are those of the map before it was rounded to float16. Maps
that were made with a halo are the middle of larger ones: both are those of the larger map, and halo_sum is
the sum of what was cut off. ``notes.json`` holds sentences that belong to the maps wherever they are shown,
if there are any.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.artifact import Artifact
from tasks.artifacts.explained_samples import ExplainedSamples
from tasks.artifacts.tile_scores import TILE_SCORES, TileScores

if TYPE_CHECKING:
    import zarr

ATTRIBUTIONS = "attributions.zarr"
HALO_SUM = "halo_sum"
"""The column that maps with a halo have in addition."""
MAP_SCALE = "map_scale"
"""The column that maps of float16 have in addition."""
SHARD = 256
"""Maps in one file: 26 MB of float16 at 224 px before compression."""
CHUNK = 16
"""Maps that are compressed together, the fewest that can be read."""

MapDtype = Literal["float16", "float32"]
"""How maps are stored."""


class SupportError(ValueError):
    """Attributions of one support were asked for as those of another."""


@dataclass(frozen=True)
class PixelMaps(ExplainedSamples):
    """One map per explained tile of a slide; the index has one row per map."""

    def maps(self, rows: slice | None = None) -> NDArray[np.float32]:
        """Return float32 [N, H, W], all or a slice of them."""
        import zarr  # takes a fifth of a second, which a plan need not spend

        rows = rows or slice(None)
        array = zarr.open_array(self.folder / ATTRIBUTIONS, mode="r")
        maps = np.asarray(array[rows], dtype=np.float32)
        if array.dtype == np.float16:
            maps *= self.index[MAP_SCALE].to_numpy(dtype=np.float32)[rows, None, None]
        return maps


@dataclass(frozen=True)
class Attributions(Artifact):
    """A read-only view of what was stored. It alone decides which support that is."""

    @cached_property
    def support(self) -> Literal["pixel", "tile"]:
        """What has values: the pixels of each tile, or the tiles of the slide."""
        return "tile" if (self.folder / TILE_SCORES).is_file() else "pixel"

    @property
    def pixel_maps(self) -> PixelMaps:
        """The maps.

        Raises:
            SupportError: these are scores of tiles.
        """
        self._refuse_other("pixel")
        return PixelMaps(self.folder)

    @cached_property
    def tile_scores(self) -> TileScores:
        """The scores of tiles, opened once: a stage asks for them slide by slide.

        Raises:
            SupportError: these are maps.
        """
        self._refuse_other("tile")
        return TileScores(self.folder)

    def _refuse_other(self, wanted: str) -> None:
        if self.support != wanted:
            raise SupportError(f"attributions are values per {self.support}, needed: values per {wanted}")


def create_maps(folder: Path, count: int, tile_px: int, dtype: MapDtype = "float32") -> "zarr.Array":
    """Create the empty zarr [count, tile_px, tile_px] of an attribution set, to be filled by slices.

    A file holds :data:`SHARD` maps, so slices of whole files write each file once. Maps of float16 need the
    column :data:`MAP_SCALE` of the index.
    """
    import zarr

    chunk = max(1, min(CHUNK, count))
    shard = min(SHARD, -(-count // chunk) * chunk) if count else chunk
    return zarr.create_array(
        folder / ATTRIBUTIONS,
        shape=(count, tile_px, tile_px),
        chunks=(chunk, tile_px, tile_px),
        shards=(shard, tile_px, tile_px),
        dtype=dtype,
        fill_value=float("nan"),
        # One file beside the other, not each in folders of its own.
        chunk_key_encoding={"name": "default", "separator": "."},
    )


def shard_files(maps_folder: Path, number: int) -> list[Path]:
    """Return the file that holds the maps of one shard, and what a kill left beside it, if anything."""
    return sorted(maps_folder.glob(f"c.{number}.*"))
