"""A dead channel gets the least variance, and a dead map one above 0."""

import torch

from tasks.functional.variance import FLOOR, floored


def test_a_dead_channel_has_a_fraction_of_the_mean():
    found = floored(torch.tensor([0.0, 2.0, 4.0], dtype=torch.float64))
    assert found.tolist() == [FLOOR * 2.0, 2.0, 4.0]


def test_a_dead_map_can_be_divided_by():
    assert floored(torch.zeros(3)).tolist() == torch.full((3,), 1e-12).tolist()
