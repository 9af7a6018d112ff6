"""Functions of means over random draws, with their Monte Carlo standard errors."""

from collections.abc import Callable

import torch
from torch import Tensor

_ROUNDING = 1e-12


def jackknife(statistic: Callable[[Tensor], Tensor], terms: Tensor) -> tuple[Tensor, Tensor]:
    """Return (value, standard error), both [n]: the figure of all draws, and its jackknife over the draws.

    Args:
        statistic: gives the figure [...] from the means [M, ...] of M terms.
        terms: float64 [M, D, n], each term of each of D >= 2 independent draws.

    Source: Tukey (1958), "Bias and confidence in not-quite large samples"; Efron and Stein (1981).
    """
    draws = terms.shape[1]
    means = terms.mean(1)
    without_one = statistic((draws * means[:, None] - terms) / (draws - 1))
    spread = (without_one - without_one.mean(0)).square().sum(0)
    return statistic(means), (spread * (draws - 1) / draws).sqrt()


def pearson(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Return (correlation, standard error), both float64 [n], over D draws of two quantities.

    Where a quantity does not vary the correlation is undefined and NaN, which must be excluded and not
    counted as 0. If leaving out a single draw leaves no variation, the correlation without it counts as 0 in
    the error.

    Args:
        first: float64 [D, n].
        second: float64 [D, n].
    """
    # Centred first: raw moments of values far from 0 would cancel.
    x, y = first - first.mean(0), second - second.mean(0)
    value, error = jackknife(_correlation, torch.stack([x, y, x * x, y * y, x * y]))
    varies = (first.amax(0) > first.amin(0)) & (second.amax(0) > second.amin(0))
    return torch.where(varies, value, torch.nan), torch.where(varies, error, torch.nan)


def _correlation(means: Tensor) -> Tensor:
    x, y, xx, yy, xy = means.unbind()
    scale = (_variance(x, xx) * _variance(y, yy)).sqrt()
    return torch.where(scale > 0, (xy - x * y) / scale, 0.0).clamp(-1, 1)


def _variance(mean: Tensor, square: Tensor) -> Tensor:
    """Return the variance, exactly 0 where it is a difference of equal numbers."""
    variance = square - mean * mean
    return torch.where(variance > _ROUNDING * square, variance, 0.0)
