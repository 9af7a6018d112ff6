"""What a network of bags is asked; its odd cases are in tests/scoring/bags/test_network.py."""

import torch

from tasks.models.door.ask_bags import MOST_TILES, ask_bag_network
from tests._support.brought_bags import D, OneBag


def test_a_long_bag_is_cut_and_the_network_is_left_as_found():
    network, seen = OneBag().train(), []

    def ask(tiles):
        seen.append(len(tiles))
        return network(tiles[None])

    admission = ask_bag_network(network, ask, torch.randn(5000, D))
    assert admission.classes == 2
    assert set(seen) == {MOST_TILES, 1}
    assert network.training
    assert all(weight.requires_grad for weight in network.parameters())
