"""The tiles a model is measured on: those that could be read and carry the label of a class."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.artifacts.tile_set import Mark, TileSet
from tasks.functional.tile_keys import tile_keys
from tasks.samples.readable_tiles import ReadableTiles


class SampleError(ValueError):
    """Samples on which nothing can be measured. One sentence says why."""


@dataclass(frozen=True)
class TileBatch:
    """A few tiles on the device: images float32 [B, 3, H, W] in [0, 1], labels and keys int64 [B]."""

    images: Tensor
    labels: Tensor
    keys: Tensor


@dataclass(frozen=True)
class MeasuredTiles:
    """The labelled tiles of some slides, slide after slide, in the order of their tile sets.

    Attributes:
        tile_sets: the slides.
        classes: class names in the order of the logits. Tiles with another label (``mixed``) are left out.
    """

    tile_sets: Sequence[TileSet]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.table)

    @property
    def table(self) -> pd.DataFrame:
        """One row per tile: tile_id, slide_id, patient_id, section, label.

        Raises:
            SampleError: no tile of these slides is labelled with a class.
        """
        table = self._tiles.table
        if table.empty:
            raise SampleError(
                f"none of the {len(self.tile_sets)} evaluated slides has a tile labelled "
                f"{' or '.join(self.classes)}, so there is nothing to measure the model on"
            )
        return table

    @cached_property
    def labels(self) -> Tensor:
        """int64 [N] on the CPU, indices into ``classes``."""
        return torch.from_numpy(self._tiles.label_indices(self.classes))

    @cached_property
    def keys(self) -> Tensor:
        """int64 [N] on the CPU: the key of each tile, a hash of its id."""
        return tile_keys(self.table["tile_id"].tolist())

    @cached_property
    def slides(self) -> Tensor:
        """int64 [N] on the CPU: the slide of each tile, counted from 0 in order of first appearance."""
        codes, _ = pd.factorize(self.table["slide_id"])
        return torch.from_numpy(codes.astype(np.int64))

    def batches(self, size: int, device: torch.device) -> Iterator[TileBatch]:
        """Yield all tiles in order, at most ``size`` of one slide at a time."""
        first = 0
        for images in self._tiles.batches(size, device):
            here = slice(first, first + len(images))
            yield TileBatch(images, self.labels[here].to(device), self.keys[here].to(device))
            first += len(images)

    def marked_fraction(self, mark: Mark) -> NDArray[np.float64]:
        """Return float64 [N], the fraction of each tile that ``mark`` covers; NaN without a mask."""
        return self._tiles.marked_fraction(mark)

    def pixels(self, number: int) -> NDArray[np.uint8]:
        """Return uint8 [H, W, 3] of the tile in row ``number`` of the table."""
        return self._tiles.pixels(number)

    @cached_property
    def _tiles(self) -> ReadableTiles:
        return ReadableTiles(self.tile_sets, self.classes)
