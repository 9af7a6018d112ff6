"""Darkness of tiles, and what is said where nobody knows it."""

import torch

from tasks.explainers.darkness import Darkness
from tests._support.bags import bag_network, keys_and_targets, ragged

TARGETS, KEYS = keys_and_targets(2)


def test_it_is_the_fact_of_each_tile():
    bags = ragged((3, 5))
    found = Darkness()(bag_network(), bags, TARGETS, KEYS)
    assert torch.equal(found[bags.mask], bags.about[bags.mask][:, 2])


def test_a_bag_with_an_unknown_tile_has_no_values_and_a_reason():
    bags = ragged((3, 5))
    bags.about[0, 1, 2] = float("nan")
    found = Darkness()(bag_network(), bags, TARGETS, KEYS)
    assert found[0, :3].isnan().all()
    assert found[1].isfinite().all()
    assert Darkness().unavailable(bags) == ["darkness not known of every tile", ""]


def test_without_facts_no_bag_has_values():
    bags = ragged((3, 5))._replace(about=None)
    assert all("darkness" in why for why in Darkness().unavailable(bags))
    assert Darkness()(bag_network(), bags, TARGETS, KEYS)[bags.mask].isnan().all()
