"""The last map on every path, found by the graph and not by the order of definition."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tasks.functional.final_map import NoFinalMapError, final_map
from tasks.models.recipe import NetworkRecipe
from tasks.models.resnet import build_resnet
from tests._support.odd_networks import body, in_place
from tests._support.small_networks import small_network, state_of

IMAGE = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))


class Gated(nn.Module):
    """Its last convolution is a gate of means, defined last: beside the way, not on it."""

    def __init__(self, skip=False):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
        self.last = nn.Conv2d(4, 4, 3)
        self.head = nn.Linear(4, 2)
        self.gate = nn.Conv2d(4, 4, 1)
        self.side = nn.Conv2d(3, 4, 3, stride=2)
        self.skip = skip

    def forward(self, images):
        features = self.last(self.features(images))
        gates = self.gate(features.mean((2, 3), keepdim=True)).sigmoid()
        means = (features * gates).mean((2, 3))
        if self.skip:
            means = means + self.side(images).mean((2, 3))
        return self.head(means)


def test_a_gate_beside_the_way_is_not_it():
    assert final_map(Gated(), IMAGE) == "last"


def test_where_a_second_way_goes_past_every_map_there_is_none():
    with pytest.raises(NoFinalMapError, match=r"Gated has no last map .* there is none; name the layer"):
        final_map(Gated(skip=True), IMAGE)


@pytest.mark.parametrize(("network", "name"), [(small_network, "5"), (body, "3")])
def test_a_pool_is_passed_over_and_the_activation_before_it_taken(network, name):
    assert final_map(network(), IMAGE) == name


def test_of_a_residual_network_it_is_the_last_stage():
    model = build_resnet(NetworkRecipe(width=0.0625), 2, 0)
    found = final_map(model, torch.rand(1, 3, 64, 64))
    assert found == "layer4.1.relu2", "whose output is that of layer4"


class Functional(nn.Module):
    """A ReLU in place, without a module, changes what the last module gave."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.head = nn.Linear(4, 2)

    def forward(self, images):
        return self.head(F.relu(self.features(images), inplace=True).mean((2, 3)))


def test_of_modules_with_the_same_output_the_innermost_is_named():
    assert final_map(Functional(), IMAGE) == "features.1"


class Tokens(nn.Module):
    """Patches by a convolution, then tokens."""

    def __init__(self):
        super().__init__()
        self.patches, self.mix, self.head = nn.Conv2d(3, 4, 4, stride=4), nn.LayerNorm(4), nn.Linear(4, 2)

    def forward(self, images):
        return self.head(self.mix(self.patches(images).flatten(2).transpose(1, 2)).mean(1))


def test_a_network_of_tokens_has_none():
    with pytest.raises(NoFinalMapError, match="tokens come after it, first in 'mix'; name the layer"):
        final_map(Tokens(), IMAGE)


class Twice(nn.Module):
    """Its last module runs twice."""

    def __init__(self):
        super().__init__()
        self.first, self.act, self.head = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Linear(4, 2)

    def forward(self, images):
        return self.head(self.act(self.act(self.first(images))).mean((2, 3)))


def test_a_module_that_runs_twice_is_passed_over():
    assert final_map(Twice(), IMAGE) == "first"


def test_a_network_that_writes_on_its_images_is_looked_at_too_and_all_is_left_as_found():
    model, image = in_place(), IMAGE.clone()
    before = state_of(model)
    assert final_map(model, image) == "body.3"
    assert torch.equal(image, IMAGE)
    assert state_of(model) == before
    assert not image.requires_grad


def test_logits_that_do_not_depend_on_the_image():
    class Constant(nn.Module):
        def forward(self, images):
            return torch.zeros(len(images), 2)

    with pytest.raises(NoFinalMapError, match="no gradient by the image"):
        final_map(Constant(), IMAGE)
