"""The blurred control: as smooth as it says, and blind."""

import math

import pytest
import torch

from tasks.explainers.blurred_noise import BlurredNoise
from tasks.explainers.random_map import RandomMap
from tests._support.small_networks import small_network

COUNT, SIDE = 60, 64
ONES, KEYS = torch.ones(COUNT, dtype=torch.int64), torch.arange(COUNT)


def maps(explainer, image_seed=0):
    images = torch.rand(COUNT, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(image_seed))
    return explainer(small_network(image_seed), images, ONES, KEYS).double()


def correlated(values, steps):
    """Return the correlation of pixels ``steps`` apart, away from the border."""
    inner = values[:, 16:-16, 16:-16]
    apart = values[:, 16:-16, 16 + steps : SIDE - 16 + steps]
    return ((inner * apart).mean() / (inner.square().mean() * apart.square().mean()).sqrt()).item()


def test_it_sees_neither_model_nor_image():
    assert torch.equal(maps(BlurredNoise()), maps(BlurredNoise(), image_seed=1))


@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_it_is_as_smooth_and_as_strong_as_white_noise_under_a_gaussian(sigma):
    """Correlation exp(-d^2 / 4 sigma^2) over a distance d, deviation 1 / (2 sigma sqrt(pi))."""
    found = maps(BlurredNoise(sigma_px=sigma))
    for steps in (1, 2, 4):
        expected = math.exp(-(steps**2) / (4 * sigma**2))
        assert correlated(found, steps) == pytest.approx(expected, abs=0.05)
    spread = found[:, 16:-16, 16:-16].std().item()
    assert spread == pytest.approx(1 / (2 * sigma * math.sqrt(math.pi)), rel=0.1)


def test_it_is_as_strong_at_the_border_as_in_the_middle():
    """Mirrored noise would have twice the deviation in the corners."""
    found = maps(BlurredNoise(sigma_px=2.0))
    spread = 1 / (4 * math.sqrt(math.pi))
    rim = torch.cat([found[:, :2], found[:, -2:], found[:, :, :2].mT, found[:, :, -2:].mT], dim=1)
    assert rim.std().item() == pytest.approx(spread, rel=0.1)
    corners = found[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.std().item() == pytest.approx(spread, rel=0.2)


def test_it_is_no_relative_of_the_random_map():
    blurred, noise = maps(BlurredNoise(sigma_px=0.5)), maps(RandomMap())
    shared = torch.corrcoef(torch.stack([blurred.flatten(), noise.flatten()]))[0, 1].item()
    assert abs(shared) < 0.02
