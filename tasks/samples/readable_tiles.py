"""The readable tiles of some slides as one sequence; pixels stay on disk until they are asked for."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.artifacts.afresh import Afresh
from tasks.artifacts.tile_set import Mark, TileSet
from tasks.functional.ahead import read_ahead
from tasks.functional.pixels import spans, to_images

_SPAN = 64
_COLUMNS = ["tile_id", "slide_id", "patient_id", "section", "label"]


@dataclass(frozen=True)
class ReadableTiles:
    """N tiles that could be read, slide after slide, in the order of their tile sets.

    Attributes:
        tile_sets: the slides.
        labels: the labels that a tile may have. None allows any, also ``mixed`` and no label.
    """

    tile_sets: Sequence[TileSet]
    labels: Collection[str] | None = None

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per tile: tile_id, slide_id, patient_id, section, label."""
        pieces = [tiles.table[_COLUMNS].iloc[rows] for tiles, rows in self._opened()]
        return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=_COLUMNS)

    def label_indices(self, classes: Sequence[str]) -> NDArray[np.int64]:
        """Return int64 [N]: indices into ``classes``, -1 for a tile whose label is none of them."""
        return pd.Index(classes).get_indexer(pd.Index(self.table["label"])).astype(np.int64)

    def batches(self, size: int, device: torch.device) -> Iterator[Tensor]:
        """Yield images float32 [B, 3, H, W] in [0, 1] in order, at most ``size`` of one slide at a time."""
        parts = ((tiles, rows[span]) for tiles, rows in self._opened() for span in spans(len(rows), size))
        for pixels in read_ahead(lambda part: part[0].pixels[part[1]], parts):
            yield to_images(pixels, device)

    def pixels(self, number: int) -> NDArray[np.uint8]:
        """Return uint8 [H, W, 3] of the tile in row ``number`` of the table.

        Raises:
            IndexError: there are not so many tiles.
        """
        for tiles, rows in self._opened():
            if number < len(rows):
                return np.asarray(tiles.pixels[rows[number]])
            number -= len(rows)
        raise IndexError("no such tile")

    def marked_fraction(self, mark: Mark) -> NDArray[np.float64]:
        """Return float64 [N], the fraction of each tile that ``mark`` covers; NaN without a mask."""
        fractions = np.full(len(self), np.nan)
        first = 0
        for tiles, rows in self._opened():
            mask = tiles.marks.get(mark)
            if mask is not None:
                for span in spans(len(rows), _SPAN):
                    here = slice(first + span.start, first + span.stop)
                    fractions[here] = np.asarray(mask[rows[span]]).mean(axis=(1, 2))
            first += len(rows)
        return fractions

    def _opened(self) -> Iterator[tuple[TileSet, NDArray[np.intp]]]:
        """Open one slide after the other, each anew, so that none is held open; with its chosen rows."""
        yield from zip(Afresh(self.tile_sets), self._chosen, strict=True)

    @cached_property
    def _chosen(self) -> tuple[NDArray[np.intp], ...]:
        return tuple(self._rows(tiles) for tiles in Afresh(self.tile_sets))

    def _rows(self, tiles: TileSet) -> NDArray[np.intp]:
        if self.labels is None:
            return tiles.usable
        return tiles.usable[tiles.table["label"].iloc[tiles.usable].isin(self.labels).to_numpy()]
