"""Curves over a fraction, and the area under them."""

import torch
from torch import Tensor


def step_counts(elements: int, steps: int) -> Tensor:
    """Return int64 [steps + 1]: how many of ``elements`` are changed at each step, from none to all."""
    return (torch.arange(steps + 1, dtype=torch.float64) * elements / steps).round().long()


def ragged_step_counts(elements: Tensor, steps: int) -> Tensor:
    """Return int64 [steps + 1, B]: :func:`step_counts` of each of ``elements`` int64 [B]."""
    step = torch.arange(steps + 1, dtype=torch.float64, device=elements.device)
    return (step[:, None] * elements / steps).round().long()


def area_under(curves: Tensor, fractions: Tensor) -> Tensor:
    """Return [...]: the trapezoid area of curves [..., S] over fractions [S] or [..., S] from 0 to 1.

    Divided by the width of the axis, so the area is the mean height whatever the number of steps.
    """
    widths = fractions.diff()
    heights = (curves[..., 1:] + curves[..., :-1]) / 2
    return (heights * widths).sum(-1) / widths.sum(-1)
