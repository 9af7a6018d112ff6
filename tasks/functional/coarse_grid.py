"""A coarse grid that corrects smooth errors across a whole hole at once, whatever its width."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Operator = Callable[[Tensor], Tensor]
_SIDE = 0.8
"""Side of a cell over the root of the image's side: small cells save steps, few cells save work."""
_RIDGE = 1e-5
"""Fraction of its diagonal that is added to a coarse matrix, which would be singular without known pixels."""


@dataclass(frozen=True)
class CoarseGrid:
    """The inverse of an operator among the unknown pixels, for images constant in square cells.

    An iteration that spreads information by one pixel per step needs as many steps as a hole is wide. With
    the exact solution of the cells added to each step, the number of steps depends on the side of a cell
    alone.

    Attributes:
        inverse: [B, K, K], of the operator between the K cells.
        unknown: [B, 1, H, W], 1 where a pixel is unknown, else 0.
        side: pixels in a cell's side.

    Source: the two-level additive Schwarz idea of Dryja and Widlund (1987), with cells cut out of the unknown
    pixels (aggregation).
    """

    inverse: Tensor
    unknown: Tensor
    side: int

    @classmethod
    def of(cls, operator: Operator, unknown: Tensor) -> "CoarseGrid":
        """Return the coarse grid of a symmetric operator on [B, C, H, W] that reaches one pixel far."""
        side = max(1, round(_SIDE * math.sqrt(max(unknown.shape[2:]))))
        matrix = _between_cells(operator, unknown, side)
        scale = torch.diagonal(matrix, dim1=1, dim2=2)
        # A cell without unknown pixels has an empty row; 1 makes it invertible and maps 0 to 0.
        ridge = torch.where(scale > 0, _RIDGE * scale, 1.0)
        factor, _ = torch.linalg.cholesky_ex(matrix + torch.diag_embed(ridge))
        return cls(torch.cholesky_inverse(factor), unknown, side)

    def helped(self, residual: Tensor, times: float) -> Tensor:
        """Return [B, C, H, W]: a residual plus a multiple of the solution of the cells' own system.

        The answer is constant on the unknown pixels of a cell and 0 on the known ones.
        """
        totals = _totals(residual, self.side)
        heights = (totals.flatten(2) @ self.inverse).view(totals.shape)
        return torch.addcmul(residual, self.unknown, _spread(heights, self.side, residual), value=times)

    def of_rows(self, rows: Tensor) -> "CoarseGrid":
        """Return the grid of some of the images."""
        return CoarseGrid(self.inverse[rows], self.unknown[rows], self.side)


def _between_cells(operator: Operator, unknown: Tensor, side: int) -> Tensor:
    """Return [B, K, K]: the operator between the images that are 1 on one cell's unknown pixels.

    A cell touches only its eight neighbours. In a pattern of nine colours it touches each colour once, so
    nine applications find all entries.
    """
    rows, columns = (-(-size // side) for size in unknown.shape[2:])
    y, x = torch.arange(rows, device=unknown.device), torch.arange(columns, device=unknown.device)
    colour = (y[:, None] % 3 * 3 + x[None] % 3).flatten()
    pattern = F.one_hot(colour, 9).T.to(unknown).view(1, 9, rows, columns)
    met = _totals(operator(unknown * _spread(pattern, side, unknown)), side).flatten(2)
    touching = _near(y)[:, None, :, None] & _near(x)[None, :, None, :]
    return met[:, colour] * touching.reshape(rows * columns, -1)


def _near(places: Tensor) -> Tensor:
    return (places[:, None] - places[None]).abs() <= 1


def _totals(values: Tensor, side: int) -> Tensor:
    """Return [B, C, h, w]: the sum of each cell; those at the far border may be narrower."""
    return F.avg_pool2d(values, side, ceil_mode=True, divisor_override=1)


def _spread(heights: Tensor, side: int, like: Tensor) -> Tensor:
    images, channels, rows, columns = heights.shape
    wide = heights[..., :, None, :, None].expand(-1, -1, -1, side, -1, side)
    return wide.reshape(images, channels, rows * side, columns * side)[..., : like.shape[2], : like.shape[3]]
