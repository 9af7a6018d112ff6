"""Grown masks, against the distances of scipy."""

import pytest
import torch
from scipy.ndimage import distance_transform_edt

from tasks.functional.dilation import dilated


def spots(share: float) -> torch.Tensor:
    return torch.rand(4, 20, 17, generator=torch.Generator().manual_seed(0)) < share


@pytest.mark.parametrize("radius", [0.0, 0.9, 1.0, 1.5, 3.0, 4.2, 30.0])
def test_it_is_what_lies_within_the_distance(radius):
    mask = spots(0.01)
    expected = [distance_transform_edt(~tile.numpy()) <= radius for tile in mask]
    assert dilated(mask, radius).tolist() == [tile.tolist() for tile in expected]


def test_a_disc_and_not_a_square():
    mask = torch.zeros(1, 5, 5, dtype=torch.bool)
    mask[0, 2, 2] = True
    assert dilated(mask, 1.0).sum().item() == 5
    assert dilated(mask, 1.5).sum().item() == 9
    assert dilated(mask, 2.0).sum().item() == 13


def test_nothing_grows_to_nothing_and_the_border_adds_nothing():
    assert not dilated(spots(0.0), 5.0).any()
    corner = torch.zeros(1, 6, 6, dtype=torch.bool)
    corner[0, 0, 0] = True
    assert dilated(corner, 1.0).sum().item() == 3
