"""The tile cut into a grid of squares that are removed one at a time."""

import torch
from torch import Tensor

from tasks.faithfulness._drops import DropMetric
from tasks.faithfulness._evidence import Block, EvidenceError
from tasks.faithfulness.base import Probe, ProbeKey


def squares_key(metric: DropMetric, squares: int) -> ProbeKey:
    """Return the key of :func:`squares_probe`: no map decides on it, so all explainers share it."""
    return ("squares", squares, *metric.fill_key())


def squares_probe(block: Block, metric: DropMetric, squares: int) -> Probe:
    """Return the probe of the tiles without one of ``squares`` x ``squares`` squares, row by row.

    Raises:
        EvidenceError: a tile has fewer pixels a side than squares.
    """
    height, width = block.images.shape[2:]
    if squares > min(height, width):
        raise EvidenceError(f"tiles of {height} x {width} px cannot be cut into {squares} squares a side")

    def make(steps: slice) -> Tensor:
        fill, places = metric.filled(block), _places(block, squares)
        gone = [places == number for number in range(squares**2)[steps]]
        return torch.stack([torch.where(each, fill, block.images) for each in gone])

    return Probe(key=squares_key(metric, squares), count=squares**2, make=make)


def square_sums(values: Tensor, squares: int) -> Tensor:
    """Return float64 [squares ** 2, n]: the sum of values [n, H, W] over each square."""
    rows, columns = (
        torch.nn.functional.one_hot(_cut(side, squares, values.device), squares).double()
        for side in values.shape[1:]
    )
    # A product of matrices, since scattered sums come in no fixed order on an accelerator.
    return (rows.T @ values.double() @ columns).flatten(1).T


def _places(block: Block, squares: int) -> Tensor:
    """Return int64 [H, W], the number of each pixel's square."""
    rows, columns = (_cut(side, squares, block.images.device) for side in block.images.shape[2:])
    return rows[:, None] * squares + columns


def _cut(side: int, squares: int, device: torch.device) -> Tensor:
    """Return int64 [side]: which of the squares each row or column lies in, sizes equal to within 1."""
    return torch.arange(side, device=device) * squares // side
