"""How far the margin drops when a window is emptied."""

import math
from collections.abc import Iterator
from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from tasks.explainers._baselines import BaselineExplainer
from tasks.explainers.base import ExplanationError, Kind
from tasks.functional.gradients import target_margin
from tasks.functional.passes import Passes


class Occlusion(BaselineExplainer):
    """A pixel's value is the mean, over the windows that cover it, of the margin lost by emptying the window.

    ``windows`` x ``windows`` equal windows reach from border to border, each sharing ``overlap`` of its side
    with the next, so that the cost does not depend on the size of the tile. One window of the whole batch
    is emptied at a time.
    """

    source: ClassVar[str] = (
        "Zeiler and Fergus (2014), arXiv:1311.2901; the mean over windows as in Captum 0.9, which counts "
        "windows by their stride in pixels instead"
    )
    kind: ClassVar[Kind] = "contribution"

    windows: int = Field(default=8, ge=1)
    """Windows along a side; a tile needs at least as many pixels."""
    overlap: float = Field(default=0.5, ge=0, lt=1)
    """The share of a window's side that it has in common with its neighbour."""

    def with_halo(self, tile_px: int, halo_px: int) -> Self:
        """Return a copy with more windows, about as large in pixels as those of the tile."""
        ends = 1 / (1 - self.overlap) - 1
        windows = (self.windows + ends) * (tile_px + 2 * halo_px) / tile_px - ends
        return self.model_copy(update={"windows": max(1, round(windows))})

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the mean drops [B, H, W].

        Raises:
            ExplanationError: the tile has fewer pixels along a side than there are windows.
        """
        baseline = self.baseline_images(model, images)
        whole = target_margin(model(images), targets)
        total = torch.zeros_like(images[:, 0])
        covers = torch.zeros_like(images[0, 0])
        for rows, columns in self._places(images.shape[2], images.shape[3]):
            emptied = images.clone()
            emptied[:, :, rows, columns] = baseline[:, :, rows, columns]
            drop = whole - target_margin(model(emptied), targets)
            total[:, rows, columns] += drop[:, None, None]
            covers[rows, columns] += 1
        return total / covers

    def passes(self) -> Passes:
        """One forward for the image and one for each window."""
        return Passes(forward=1 + self.windows**2)

    def _places(self, height: int, width: int) -> Iterator[tuple[slice, slice]]:
        if min(height, width) < self.windows:
            raise ExplanationError(
                f"{self.windows} windows along a side of {min(height, width)} px; needed at most one a pixel"
            )
        for rows in self._along(height):
            for columns in self._along(width):
                yield rows, columns

    def _along(self, side: int) -> list[slice]:
        """Return the windows along a side of ``side`` pixels; without overlap they partition it."""
        stride = side / (self.windows - 1 + 1 / (1 - self.overlap))
        length = stride / (1 - self.overlap)
        starts = [place * stride for place in range(self.windows)]
        return [slice(_edge(start), _edge(start + length)) for start in starts]


def _edge(place_px: float) -> int:
    """Return the nearest border between pixels; halves round up, also with rounding errors."""
    return math.floor(place_px + 0.5 + 1e-9)
