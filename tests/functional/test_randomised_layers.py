"""Layers forgotten and remembered."""

import math

import pytest
import torch
from torch import nn

from tasks.functional.randomised_layers import NoLayersError, layer_stages, randomised_layers
from tasks.functional.reinitialise import reinitialised
from tasks.models.recipe import NetworkRecipe
from tasks.models.resnet import build_resnet
from tests._support.small_networks import LinearNetwork, small_network, state_of


def equal_layers() -> nn.Module:
    """Four layers of one shape, with a norm behind the first and one before all."""
    return nn.Sequential(
        nn.BatchNorm1d(8),
        nn.Linear(8, 8),
        nn.BatchNorm1d(8),
        nn.ReLU(),
        nn.Linear(8, 8),
        nn.Linear(8, 8),
        nn.Linear(8, 8),
    )


def parameters_of(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def test_stages_go_from_the_output_down_and_norms_stay_with_the_layer_before_them():
    assert layer_stages(equal_layers(), 2) == [
        ("6.weight", "6.bias", "5.weight", "5.bias"),
        ("4.weight", "4.bias", "0.weight", "0.bias", "1.weight", "1.bias", "2.weight", "2.bias"),
    ]


@pytest.mark.parametrize(("stages", "sizes"), [(1, [4]), (3, [2, 1, 1]), (4, [1, 1, 1, 1])])
def test_every_layer_is_in_one_stage_and_the_odd_one_goes_to_the_output(stages, sizes):
    groups = layer_stages(equal_layers(), stages)
    layers = [{name.split(".")[0] for name in group} - {"0", "2"} for group in groups]
    assert [len(layer) for layer in layers] == sizes
    named = [name for group in groups for name in group]
    assert sorted(named) == sorted(dict(equal_layers().named_parameters()))


def test_with_fewer_layers_than_stages_no_stage_is_empty():
    layers = [{name.split(".")[0] for name in group} for group in layer_stages(small_network(), 5)]
    assert layers == [{"8"}, {"4"}, {"4"}, {"0", "1"}, {"0", "1"}]
    assert layer_stages(LinearNetwork(torch.ones(3, 4, 4)), 3) == [("weight",)] * 3


def test_four_stages_of_a_residual_network_are_its_own():
    network = build_resnet(NetworkRecipe(name="resnet18", width=0.125), 2, 0)
    groups = layer_stages(network, 4)
    roots = [sorted({name.split(".")[0] for name in group}) for group in groups]
    assert roots == [["fc", "layer4"], ["layer3"], ["layer2"], ["bn1", "conv1", "layer1"]]


def test_a_network_without_layers_is_named():
    with pytest.raises(NoLayersError, match="BatchNorm2d has no weight of two or more axes"):
        layer_stages(nn.BatchNorm2d(3), 2)


def test_fresh_weights_follow_hes_law_and_only_where_asked():
    model = nn.Sequential(nn.Conv2d(3, 64, 3), nn.BatchNorm2d(64), nn.Linear(64, 64))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(3.0)
    model[1].running_mean.fill_(2.0)
    model[1].running_var.fill_(5.0)
    with randomised_layers(model, ("0.weight", "0.bias", "1.weight", "1.bias"), 0):
        assert model[0].weight.std().item() == pytest.approx(math.sqrt(2 / 27), rel=0.1)
        assert model[0].weight.mean().item() == pytest.approx(0.0, abs=0.02)
        assert (model[0].bias == 0).all()
        assert (model[1].weight == 1).all()
        assert (model[1].bias == 0).all()
        assert (model[1].running_mean == 2).all()
        assert (model[1].running_var == 5).all()
        assert (model[2].weight == 3).all()
    assert all((parameter == 3).all() for parameter in model.parameters())


def test_layers_of_equal_shape_differ_and_do_not_depend_on_the_company():
    model = equal_layers()
    with randomised_layers(model, ("4.weight", "5.weight"), 0):
        both = parameters_of(model)
    with randomised_layers(model, ("5.weight",), 0):
        alone = parameters_of(model)
    with randomised_layers(model, ("5.weight",), 1):
        other = parameters_of(model)
    assert not torch.equal(both["4.weight"], both["5.weight"])
    assert torch.equal(alone["5.weight"], both["5.weight"])
    assert not torch.equal(other["5.weight"], both["5.weight"])


def test_an_untrained_network_of_the_same_seed_does_not_come_back():
    """Else the control of an untrained network would not depend on the weights that it forgets."""
    model = equal_layers()
    untrained = reinitialised(model, 0)
    with randomised_layers(model, ("4.weight",), 0):
        assert not torch.allclose(model[4].weight, untrained[4].weight)


@pytest.mark.parametrize("fails", [False, True])
def test_the_model_comes_back_bit_for_bit_also_after_an_exception(fails):
    model = small_network()
    with torch.no_grad():
        model[0].weight[0, 0, 0, 0] = float("nan")
    before = state_of(model)
    names = tuple(name for name, _ in model.named_parameters())
    try:
        with randomised_layers(model, names, 0):
            assert state_of(model)["weights"] != before["weights"]
            assert state_of(model)["torch"] == before["torch"]
            if fails:
                raise ArithmeticError
    except ArithmeticError:
        assert fails
    assert state_of(model) == before
