"""Images and bags are handled alike."""

import torch
from torch import nn

from tasks.samples.inputs import Bags, ask, each, leading

IMAGES = torch.rand(2, 3, 4, 4)
BAGS = Bags(torch.rand(2, 5, 6), torch.rand(2, 5) < 0.5)


class Both(nn.Module):
    def forward(self, first, mask=None):
        return first.flatten(1).sum(1, keepdim=True) * (1 if mask is None else mask.sum(1, keepdim=True))


def test_a_network_is_asked_with_one_tensor_or_with_features_and_mask():
    assert torch.equal(ask(Both(), IMAGES), Both()(IMAGES))
    assert torch.equal(ask(Both(), BAGS), Both()(BAGS.features, BAGS.mask))


def test_every_tensor_is_changed():
    assert torch.equal(each(lambda tensor: tensor[:1], IMAGES), IMAGES[:1])
    halved = each(lambda tensor: tensor[:1], BAGS)
    assert isinstance(halved, Bags)
    assert torch.equal(halved.features, BAGS.features[:1])
    assert torch.equal(halved.mask, BAGS.mask[:1])


def test_the_first_axes_are_those_of_the_samples():
    assert leading(IMAGES) == leading(BAGS) == (2,)
    assert leading(IMAGES, 2) == (2, 3)
    assert leading(BAGS, 2) == (2, 5)
