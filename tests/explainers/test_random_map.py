"""The random control."""

import torch

from tasks.explainers.random_map import RandomMap
from tests._support.small_networks import small_network


def test_it_is_standard_noise_that_sees_neither_model_nor_image():
    keys, targets = torch.arange(50), torch.ones(50, dtype=torch.int64)
    one = RandomMap()(small_network(0), torch.rand(50, 3, 16, 16), targets, keys)
    other = RandomMap()(small_network(1), torch.rand(50, 3, 16, 16), 0 * targets, keys)
    assert torch.equal(one, other)
    assert abs(one.mean()) < 0.04
    assert abs(one.std() - 1) < 0.03
