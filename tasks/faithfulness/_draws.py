"""The mean and the maximum over random draws, with their Monte Carlo standard errors.

Source: Efron (1982), "The jackknife, the bootstrap and other resampling plans"; a mean's is the usual one.
"""

import torch
from torch import Tensor


def mean_over(draws: Tensor) -> tuple[Tensor, Tensor]:
    """Return float64 [n] each: the mean over float64 draws [S, n], and its error; NaN is no draw.

    The mean is NaN without a draw, the error below two.
    """
    drawn = ~torch.isnan(draws)
    count = drawn.sum(0)
    mean = draws.nansum(0) / count
    spread = torch.where(drawn, (draws - mean).square(), 0.0).sum(0) / (count - 1)
    return mean, torch.where(count > 1, (spread / count).sqrt(), torch.nan)


def maximum_over(draws: Tensor) -> tuple[Tensor, Tensor]:
    """Return float64 [n] each: the largest of float64 draws [S, n], and its error; NaN is no draw.

    The jackknife of a maximum is (S - 1) / S of its distance to the second: rough for a single unit, and of
    the right size on average over many. The maximum is NaN without a draw, the error below two.
    """
    drawn = ~torch.isnan(draws)
    count, first = drawn.sum(0), torch.where(drawn, draws, -torch.inf)
    highest, place = first.max(0, keepdim=True)
    second = first.scatter(0, place, -torch.inf).amax(0)
    error = (highest[0] - second) * (count - 1) / count
    return torch.where(count > 0, highest[0], torch.nan), torch.where(count > 1, error, torch.nan)
