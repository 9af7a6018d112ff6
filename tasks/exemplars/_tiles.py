"""The tiles of some slides in one row, and what a network makes of them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.artifacts.tile_set import TileSet
from tasks.exemplars.base import ExemplarError, ExemplarJob
from tasks.functional.pixels import spans, to_images

_COLUMNS = ["tile_id", "slide_id", "patient_id", "label"]


@dataclass(frozen=True)
class Tiles:
    """The tiles that could be read, slides in the order of their ids, each in the order of its tile set.

    Attributes:
        tile_sets: the slides, in any order; one without tiles adds none.
        labels: which labels a tile may have; None means any, also ``mixed`` and none.
    """

    tile_sets: Sequence[TileSet]
    labels: Collection[str] | None = None

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a tile: tile_id, slide_id, patient_id, label. Patients are for exclusions alone."""
        pieces = [tiles.table[_COLUMNS].iloc[rows] for tiles, rows in self._chosen]
        return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=_COLUMNS)

    def label_places(self, classes: tuple[str, ...]) -> NDArray[np.int64]:
        """Return int64 [N]: indices into ``classes``, -1 for a tile with the label of none."""
        return pd.Index(classes).get_indexer(pd.Index(self.table["label"])).astype(np.int64)

    def batches(self, size: int, device: torch.device) -> Iterator[Tensor]:
        """Yield images float32 [B, 3, H, W] in [0, 1] in order, at most ``size`` of one slide at a time."""
        for tiles, rows in self._chosen:
            for span in spans(len(rows), size):
                yield to_images(tiles.pixels[rows[span]], device)

    def pixels(self, number: int) -> NDArray[np.uint8]:
        """Return uint8 [H, W, 3] of the tile in row ``number`` of the table."""
        for tiles, rows in self._chosen:
            if number < len(rows):
                return np.asarray(tiles.pixels[rows[number]])
            number -= len(rows)
        raise IndexError("no such tile")

    @cached_property
    def _chosen(self) -> tuple[tuple[TileSet, NDArray[np.intp]], ...]:
        filled = [tiles for tiles in self.tile_sets if len(tiles.table)]
        filled.sort(key=lambda tiles: str(tiles.table["slide_id"].iloc[0]))
        return tuple((tiles, self._rows(tiles)) for tiles in filled)

    def _rows(self, tiles: TileSet) -> NDArray[np.intp]:
        if self.labels is None:
            return tiles.usable
        return tiles.usable[tiles.table["label"].iloc[tiles.usable].isin(self.labels).to_numpy()]


def labelled(job: ExemplarJob) -> Tiles:
    """Return the training tiles that have the label of a class.

    Raises:
        ExemplarError: there is none.
    """
    tiles = Tiles(job.train, job.classes)
    if not len(tiles):
        raise ExemplarError(
            f"none of the {len(job.train)} training slides has a tile labelled {' or '.join(job.classes)}"
        )
    return tiles


def looks(job: ExemplarJob, tiles: Tiles) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield features [B, D] and logits [B, K] of ``tiles`` in order, on the job's device.

    A feature is the mean of a channel of the last convolutional map over the tile.
    """
    for images in tiles.batches(job.batch, torch.device(job.device)):
        with torch.no_grad():
            features, logits = job.model.with_features(images)
        yield features.mean((2, 3)), logits
        job.advance(len(images))
