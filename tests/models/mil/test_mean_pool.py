"""Mean pooling is linear: each tile's contribution is w.x_k / N."""

import torch

from tasks.models.mil.mean_pool import MeanPool


def test_contributions_are_the_head_on_each_tile_divided_by_their_number():
    network = MeanPool().build(dim=4, classes=2, seed=0)
    features = torch.randn(1, 5, 4, generator=torch.Generator().manual_seed(1))
    mask = torch.tensor([[True, True, True, False, True]])
    found = network.terms(features, mask).contributions[0]
    expected = features[0] @ network.head.weight.T / 4
    torch.testing.assert_close(found[mask[0]], expected[mask[0]])
    assert (found[3] == 0).all()
