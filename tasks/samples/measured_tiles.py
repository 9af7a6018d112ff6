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
from tasks.functional.pixels import spans, to_images
from tasks.functional.tile_keys import tile_keys

_COLUMNS = ["tile_id", "slide_id", "patient_id", "section", "label"]


class SampleError(ValueError):
    """Tiles on which nothing can be measured; one sentence says why."""


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
        classes: class names in the order of the logits; tiles labelled otherwise (``mixed``) are left out.
    """

    tile_sets: Sequence[TileSet]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a tile: tile_id, slide_id, patient_id, section, label.

        Raises:
            SampleError: no tile of these slides is labelled with a class.
        """
        pieces = [
            tiles.table[_COLUMNS].iloc[rows] for tiles, rows in zip(self.tile_sets, self._rows, strict=True)
        ]
        table = pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=_COLUMNS)
        if table.empty:
            raise SampleError(
                f"none of the {len(self.tile_sets)} evaluated slides has a tile labelled "
                f"{' or '.join(self.classes)}, so there is nothing to measure the model on"
            )
        return table

    @cached_property
    def labels(self) -> Tensor:
        """int64 [N] on the CPU, indices into ``classes``."""
        places = {name: place for place, name in enumerate(self.classes)}
        return torch.tensor([places[label] for label in self.table["label"]], dtype=torch.int64)

    @cached_property
    def keys(self) -> Tensor:
        """int64 [N] on the CPU: who each tile is."""
        return tile_keys(self.table["tile_id"].tolist())

    @cached_property
    def slides(self) -> Tensor:
        """int64 [N] on the CPU: the slide of each tile, counted from 0 in order of first appearance."""
        codes, _ = pd.factorize(self.table["slide_id"])
        return torch.from_numpy(codes.astype(np.int64))

    def batches(self, size: int, device: torch.device) -> Iterator[TileBatch]:
        """Yield all tiles in order, at most ``size`` of one slide at a time."""
        first = 0
        for tiles, rows in zip(self.tile_sets, self._rows, strict=True):
            for span in spans(len(rows), size):
                here = slice(first + span.start, first + span.stop)
                yield TileBatch(
                    images=to_images(tiles.pixels[rows[span]], device),
                    labels=self.labels[here].to(device),
                    keys=self.keys[here].to(device),
                )
            first += len(rows)

    def share_of(self, mark: Mark) -> NDArray[np.float64]:
        """Return the share of each tile that ``mark`` covers [N]; NaN on slides without such an image."""
        shares = []
        for tiles, rows in zip(self.tile_sets, self._rows, strict=True):
            mask = tiles.marks.get(mark)
            shares.append(np.full(len(rows), np.nan) if mask is None else mask[rows].mean(axis=(1, 2)))
        return np.concatenate(shares)

    def pixels(self, number: int) -> NDArray[np.uint8]:
        """Return uint8 [H, W, 3] of the tile in row ``number`` of the table."""
        for tiles, rows in zip(self.tile_sets, self._rows, strict=True):
            if number < len(rows):
                return np.asarray(tiles.pixels[rows[number]])
            number -= len(rows)
        raise IndexError("no such tile")

    @cached_property
    def _rows(self) -> tuple[NDArray[np.intp], ...]:
        return tuple(
            tiles.usable[tiles.table["label"].iloc[tiles.usable].isin(self.classes).to_numpy()]
            for tiles in self.tile_sets
        )
