"""The streamed mean and variance of maps: memory does not grow with their number."""

from typing import Literal

from torch import Tensor

Average = Literal["signed", "magnitude"]
"""What is averaged: signed maps, where evidence for and against cancels, or their magnitudes."""


class MeanMap:
    """The running mean and variance, pixel by pixel, of the maps [B, H, W] it is given.

    Source: Welford (1962), "Note on a method for calculating corrected sums of squares and products". The
    common formula, the mean of the squares minus the square of the mean, loses all digits where the variance
    is small and may become negative.
    """

    def __init__(self, like: Tensor, average: Average) -> None:
        self._average = average
        self._count = 0
        self._mean = like.new_zeros(like.shape)
        self._squares = like.new_zeros(like.shape)

    def take(self, drawn: Tensor) -> None:
        """Add one draw [B, H, W]."""
        value = drawn.abs() if self._average == "magnitude" else drawn
        step = value - self._mean
        # Written as a sum of squares, so that rounding cannot make it negative.
        self._squares.addcmul_(step, step, value=self._count / (self._count + 1))
        self._count += 1
        self._mean.add_(step, alpha=1 / self._count)

    @property
    def mean(self) -> Tensor:
        """[B, H, W]; zero before the first draw."""
        return self._mean

    @property
    def variance(self) -> Tensor:
        """[B, H, W], at least 0: the mean squared distance from the mean of the draws; 0 of a single one."""
        return self._squares / max(self._count, 1)
