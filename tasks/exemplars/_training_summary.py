"""The values of each class or channel on the training tiles, and the colours of these."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.exemplars._canvas import Palette
from tasks.exemplars.base import ExemplarJob
from tasks.samples.readable_tiles import ReadableTiles

ScoreFunction = Callable[[Tensor], Tensor]
"""Images [B, 3, H, W] -> the value of every class or channel, [B, S]."""


@dataclass(frozen=True)
class TrainingSummary:
    """S classes or channels on the training tiles.

    Attributes:
        tiles: the training tiles with the label of a class.
        on_target: [S], mean value on tiles labelled with the target class; NaN without such tiles.
        highest: [S], the highest value on any tile.
        rows: [S], the row of that tile, the first of a tie.
        palette: the colours of all their pixels.
    """

    tiles: ReadableTiles
    on_target: NDArray[np.float64]
    highest: NDArray[np.float64]
    rows: NDArray[np.int64]
    palette: Palette

    @property
    def tile_px(self) -> int:
        """The side of the tiles."""
        return len(self.tiles.pixels(0))


def look_up(job: ExemplarJob, tiles: ReadableTiles, scores: ScoreFunction) -> TrainingSummary:
    """Return the summary of ``tiles`` after one pass over them. No tile is kept, and there must be one."""
    target = torch.from_numpy(tiles.label_indices(job.classes) == job.target).to(job.device)
    seen = _Running()
    for images in tiles.batches(job.batch, torch.device(job.device)):
        with torch.no_grad():
            seen.add(images, scores(images).double(), target)
        job.advance(len(images))
    return TrainingSummary(
        tiles=tiles,
        on_target=(seen.on_target / target.sum()).cpu().numpy(),
        highest=seen.highest.cpu().numpy(),
        rows=seen.rows.cpu().numpy(),
        palette=seen.palette,
    )


class _Running:
    """Sums and maxima so far, float64."""

    def __init__(self) -> None:
        self._tiles = self._pixels = 0
        # Scalars until the first tiles determine shape and device.
        self.on_target: Tensor = torch.zeros(())
        self.highest: Tensor = torch.tensor(-torch.inf)
        self.rows: Tensor = torch.tensor(0)
        self._colour: Tensor = torch.zeros(())
        self._products: Tensor = torch.zeros(())

    def add(self, images: Tensor, values: Tensor, target: Tensor) -> None:
        """Add tiles: their images [B, 3, H, W], values [B, S], and which tiles are of the target."""
        here = target[self._tiles : self._tiles + len(images)]
        self.on_target = self.on_target.to(values) + values[here].sum(0)
        highest, places = values.max(0)
        higher = highest > self.highest.to(values)
        self.rows = torch.where(higher, places + self._tiles, self.rows.to(places))
        self.highest = torch.where(higher, highest, self.highest.to(values))
        self._tiles += len(images)
        self._add_colours(images.double().transpose(0, 1).flatten(1))

    def _add_colours(self, pixels: Tensor) -> None:
        self._pixels += pixels.shape[1]
        self._colour = self._colour.to(pixels) + pixels.sum(1)
        self._products = self._products.to(pixels) + pixels @ pixels.T

    @property
    def palette(self) -> Palette:
        mean = self._colour / self._pixels
        return Palette(mean, self._products / self._pixels - mean[:, None] * mean)
