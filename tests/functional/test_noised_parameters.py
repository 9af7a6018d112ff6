"""Which parameters are noised."""

import pytest
import torch
from torch import nn

from tasks.functional.noised_parameters import perturbed
from tasks.functional.weight_noise import WeightNoiseError
from tasks.models.classifier import build_classifier
from tasks.models.recipe import NetworkRecipe
from tests._support.small_networks import LinearNetwork, small_network


def test_the_choices_on_a_small_network():
    model = small_network()
    everything = [name for name, _ in model.named_parameters()]
    assert perturbed(model, "all") == everything
    assert perturbed(model, "weights") == ["0.weight", "4.weight", "8.weight"]
    assert perturbed(model, "head") == ["8.weight", "8.bias"]
    assert perturbed(model, "last_stage") == ["4.weight", "4.bias", "8.weight", "8.bias"]


def test_the_last_stage_of_our_classifier_is_its_feature_layer_and_the_head():
    model = build_classifier(NetworkRecipe(), 2, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2), 0)
    names = perturbed(model, "last_stage")
    assert {name.split(".")[1] for name in names} == {"layer4", "fc"}
    inside = [
        name for name, _ in model.named_parameters() if name.startswith(("network.layer4", "network.fc"))
    ]
    assert names == inside
    assert perturbed(model, "head") == ["network.fc.weight", "network.fc.bias"]
    assert not [name for name in perturbed(model, "weights") if "bn" in name or name.endswith("bias")]


def test_tied_weights_count_once():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4, bias=False))
    model[1].weight = model[0].weight
    assert perturbed(model, "all") == ["0.weight", "0.bias"]
    assert perturbed(model, "head") == ["0.weight"]


@pytest.mark.parametrize(
    ("which", "said"),
    [("head", "no linear layer"), ("last_stage", "neither a 'feature_layer' nor a convolution")],
)
def test_a_network_without_such_a_layer_is_refused(which, said):
    with pytest.raises(WeightNoiseError, match=said):
        perturbed(LinearNetwork(torch.ones(3, 4, 4)), which)


def test_a_network_without_such_a_parameter_is_refused():
    with pytest.raises(WeightNoiseError, match="has no parameter among 'weights'"):
        perturbed(nn.Sequential(nn.BatchNorm2d(3), nn.Flatten()), "weights")
