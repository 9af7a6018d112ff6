"""The fraction of each tile that is tissue."""

import torch

from tasks.explainers.tissue_share import TissueShare
from tests._support.bags import bag_network, keys_and_targets, ragged


def test_it_is_the_fact_of_each_tile():
    bags, (targets, keys) = ragged((3, 5)), keys_and_targets(2)
    found = TissueShare()(bag_network(), bags, targets, keys)
    assert torch.equal(found[bags.mask], bags.about[bags.mask][:, 3])
    assert TissueShare().unavailable(bags._replace(about=None))[0].startswith("tissue_fraction")
