"""The tile cut into a grid of squares that are removed one at a time."""

import torch
from pydantic import Field
from torch import Tensor

from tasks.evidence.sources import EvidenceError
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._drops import DropMetric
from tasks.faithfulness._removal import clean_probe, removal_probe
from tasks.faithfulness.base import AttributionBlock, Probe, ProbeKey


class SquareMetric(DropMetric):
    """Removes one square of a grid at a time. All explainers use the same images."""

    squares: int = Field(default=8, ge=2)
    """Squares along a side of the tile."""

    def probes(self, block: TileBlock, part: AttributionBlock) -> tuple[Probe, ...]:
        """Return the clean image, and the images without a square, row by row.

        Raises:
            EvidenceError: a tile has fewer pixels along a side than squares.
        """
        height, width = block.images.shape[2:]
        if self.squares > min(height, width):
            raise EvidenceError(
                f"tiles of {height} x {width} px cannot be cut into {self.squares} squares a side"
            )

        def removed(steps: slice) -> Tensor:
            squares = _square_of(block, self.squares)
            return torch.stack([squares == number for number in range(self.squares**2)[steps]])[:, None]

        probe = removal_probe(block, self.remover, self.squares_key(), self.squares**2, removed)
        return clean_probe(block), probe

    def squares_key(self) -> ProbeKey:
        """Return the key of the images without a square."""
        return ("squares", self.squares, *self.remover.key())

    def minimum_forward(self) -> int:
        """The whole tile, and one image per square."""
        return 1 + self.squares**2


def square_sums(values: Tensor, squares: int) -> Tensor:
    """Return float64 [squares ** 2, n]: the sum of values [n, H, W] over each square."""
    rows, columns = (
        torch.nn.functional.one_hot(_cut(side, squares, values.device), squares).double()
        for side in values.shape[1:]
    )
    # A matrix product, since scattered sums have no fixed order on an accelerator.
    return (rows.T @ values.double() @ columns).flatten(1).T


def _square_of(block: TileBlock, squares: int) -> Tensor:
    """Return int64 [H * W], the number of each pixel's square."""
    rows, columns = (_cut(side, squares, block.images.device) for side in block.images.shape[2:])
    return (rows[:, None] * squares + columns).flatten()


def _cut(side: int, squares: int, device: torch.device) -> Tensor:
    """Return int64 [side]: which of the squares each row or column lies in, sizes equal to within 1."""
    return torch.arange(side, device=device) * squares // side
