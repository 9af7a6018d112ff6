"""Streaming mean and variance."""

import numpy as np
import pytest
import torch

from tasks.explainers._mean_map import MeanMap


def streamed(maps: torch.Tensor, average: str = "signed") -> MeanMap:
    running = MeanMap(maps[0], average)
    for one in maps:
        running.take(one)
    return running


@pytest.mark.parametrize("average", ["signed", "magnitude"])
@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_they_are_those_of_the_stacked_maps(count, average):
    maps = torch.randn(count, 3, 5, 4, generator=torch.Generator().manual_seed(count)) + 0.3
    running = streamed(maps, average)
    stacked = maps.double().numpy() if average == "signed" else maps.abs().double().numpy()
    np.testing.assert_allclose(running.mean, stacked.mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(running.variance, stacked.var(0), rtol=1e-4, atol=1e-6)


def test_a_small_variance_about_a_large_mean_keeps_its_digits_and_is_never_negative():
    """Trap: the mean of the squares less the square of the mean, which is off by more than the variance."""
    maps = 1000 + 0.01 * torch.randn(50, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    variance = streamed(maps).variance
    shortcut = maps.square().mean(0) - maps.mean(0).square()
    truth = maps.double().var(0, correction=0)
    assert (variance >= 0).all()
    assert (shortcut < 0).any()
    torch.testing.assert_close(variance.double(), truth, rtol=0.02, atol=0)


def test_equal_maps_have_no_variance_and_their_own_mean():
    one = torch.randn(2, 4, 4, generator=torch.Generator().manual_seed(1))
    running = streamed(one.repeat(9, 1, 1, 1))
    assert torch.equal(running.variance, torch.zeros(2, 4, 4))
    torch.testing.assert_close(running.mean, one, rtol=1e-6, atol=0)


def test_what_is_taken_stays_as_it_was():
    one = torch.full((1, 2, 2), -3.0)
    running = MeanMap(one, "magnitude")
    running.take(one)
    running.take(one)
    assert torch.equal(one, torch.full((1, 2, 2), -3.0))
    assert torch.equal(running.mean, torch.full((1, 2, 2), 3.0))
