"""Fresh weights follow MONAI's law and depend on the seed alone."""

import math

import pytest
import torch

from tasks.models.recipe import NetworkRecipe
from tasks.models.resnet import build_resnet, monai_resnet


def test_layers_and_widths_are_those_of_monai():
    recipe = NetworkRecipe(name="resnet50", width=0.25)
    ours, theirs = build_resnet(recipe, 5, seed=0).state_dict(), monai_resnet(recipe, 5).state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


def test_seed_decides_and_the_global_generator_is_not_asked():
    before = torch.random.get_rng_state()
    first, second, other = (build_resnet(NetworkRecipe(width=0.125), 2, seed) for seed in (0, 0, 1))
    assert torch.equal(before, torch.random.get_rng_state())
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name])
    assert not torch.equal(first.conv1.weight, other.conv1.weight)


@pytest.mark.parametrize("layer", ["layer1.0.conv1", "layer4.1.conv2", "layer3.0.downsample.0"])
def test_convolutions_are_drawn_from_he_normal_fan_out(layer):
    weight = build_resnet(NetworkRecipe(width=1), 2, seed=0).get_submodule(layer).weight
    expected = math.sqrt(2 / (weight.shape[0] * weight.shape[2] * weight.shape[3]))
    assert weight.std().item() == pytest.approx(expected, rel=0.05)


def test_norm_layers_start_neutral():
    network = build_resnet(NetworkRecipe(width=0.125), 2, seed=0)
    assert torch.equal(network.bn1.weight, torch.ones(8))
    assert torch.equal(network.bn1.running_var, torch.ones(8))
    assert torch.equal(network.fc.bias, torch.zeros(2))
