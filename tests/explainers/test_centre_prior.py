"""The hill in the middle."""

import math

import pytest
import torch

from tasks.explainers.centre_prior import CentrePrior
from tests._support.small_networks import small_network


def hill(height, across, prior):
    images = torch.ones(2, 3, height, across)
    return prior(small_network(), images, torch.tensor([0, 1]), torch.arange(2))


@pytest.mark.parametrize("width", [0.1, 0.25])
def test_it_is_one_in_the_middle_and_falls_as_a_gaussian(width):
    maps = hill(17, 17, CentrePrior(width=width))
    assert torch.equal(maps[0], maps[1])
    assert maps[0, 8, 8].item() == 1.0
    for row, column in ((8, 12), (3, 8), (0, 0)):
        square = (row - 8) ** 2 + (column - 8) ** 2
        assert maps[0, row, column].item() == pytest.approx(
            math.exp(-0.5 * square / (17 * width) ** 2), rel=1e-6
        )


def test_it_is_even_about_the_middle_and_follows_the_shape_of_the_tile():
    found = hill(16, 30, CentrePrior())[0]
    assert torch.equal(found, found.flip(0))
    assert torch.equal(found, found.flip(1))
    assert found.argmax().item() in (7 * 30 + 14, 7 * 30 + 15, 8 * 30 + 14, 8 * 30 + 15)
    assert found[0, 15].item() == pytest.approx(
        math.exp(-0.5 * ((7.5 / 4) ** 2 + (0.5 / 7.5) ** 2)), rel=1e-6
    )
