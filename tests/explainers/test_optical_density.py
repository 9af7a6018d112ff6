"""The darkness control."""

import pytest
import torch

from tasks.explainers.optical_density import OpticalDensity
from tests._support.small_networks import small_network


def test_white_is_zero_and_a_dark_pixel_is_highest():
    images = torch.ones(1, 3, 16, 16)
    images[0, :, 3, 4] = 0.1
    images[0, :, 5, 6] = 0.5
    maps = OpticalDensity()(small_network(), images, torch.tensor([1]), torch.tensor([0]))
    assert maps[0, 3, 4].item() == pytest.approx(3.0)
    assert maps[0, 5, 6].item() == pytest.approx(0.90309, abs=1e-5)
    assert maps.sum().item() == pytest.approx(3.90309, abs=1e-4)
