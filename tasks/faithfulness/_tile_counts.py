"""How many tiles have left at each step of a curve, and means over the steps."""

import torch
from torch import Tensor

from tasks.functional.curves import ragged_step_counts


def even_counts(tiles: Tensor, steps: int | None, longest: int) -> Tensor:
    """Return int64 [S + 1, B]: from 0 to all of ``tiles`` [B] in even steps.

    A bag of fewer tiles than steps repeats counts; its curve has every count from 0 to all, and means and
    areas take each once.

    Args:
        tiles: the number of tiles of each bag.
        steps: S; None: one tile a step.
        longest: the most tiles of any bag.
    """
    if steps is None:
        # A curve has at least one point between its ends.
        return torch.arange(max(2, longest) + 1, device=tiles.device)[:, None].minimum(tiles)
    return ragged_step_counts(tiles, steps)


def growing_counts(tiles: Tensor, steps: int | None, longest: int) -> Tensor:
    """Return int64 [S + 1, B]: 0, 1, 2, ... and then by equal ratios to all of ``tiles`` [B].

    Few tiles are told apart one by one, many to a few percent. Arguments as in :func:`even_counts`.
    """
    if steps is None:
        return even_counts(tiles, None, longest)
    step = torch.arange(steps + 1, dtype=torch.float64, device=tiles.device)[:, None]
    ratio = (tiles.clamp(min=1).double().log() * step / steps).exp().round()
    ratio[0] = 0
    # At least one tile more than at the step before.
    return (step + (ratio - step).cummax(0).values).long().minimum(tiles)


def distinct_mean(values: Tensor, counts: Tensor) -> Tensor:
    """Return [..., B]: the mean of ``values`` [..., B, S + 1] over distinct counts above 0; 0 without one."""
    new = (counts.diff(dim=0) > 0).T
    return torch.where(new, values[..., 1:], 0.0).sum(-1) / new.sum(1).clamp(min=1)


def on_axis(curves: Tensor, fractions: Tensor, points: int) -> Tensor:
    """Return [B, P + 1]: curves [B, S + 1] over ``fractions`` [B, S + 1], read at 0, 1/P, ..., 1.

    Bags of different sizes then share one axis. Between counts the curve is a straight line.
    """
    wanted = torch.linspace(0, 1, points + 1, dtype=fractions.dtype, device=fractions.device)
    wanted = wanted.expand(len(curves), -1).contiguous()
    after = torch.searchsorted(fractions.contiguous(), wanted, right=True).clamp(1, fractions.shape[1] - 1)
    low, high = (fractions.gather(1, place) for place in (after - 1, after))
    width = high - low
    share = torch.where(width > 0, (wanted - low) / torch.where(width > 0, width, 1.0), 0.0)
    return curves.gather(1, after - 1).lerp(curves.gather(1, after), share)
