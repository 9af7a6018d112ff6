"""ResNet-50 against a forward written out from the published names, with made-up weights."""

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from tasks.models.encoders.resnet50 import Resnet50
from tasks.models.errors import ModelError
from tasks.models.recipe import NetworkRecipe
from tasks.models.resnet import build_resnet

BLOCKS = {"layer1": 3, "layer2": 4, "layer3": 6, "layer4": 3}
MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
STD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]


@pytest.fixture(scope="module")
def weights():
    """Weights of torchvision's names whose batch normalisations do something."""
    generator = torch.Generator().manual_seed(0)
    state = build_resnet(NetworkRecipe(name="resnet50", width=1), 1000, seed=0).state_dict()
    for name, value in state.items():
        if value.ndim == 1 and not name.startswith("fc"):
            state[name] = 0.8 + 0.4 * torch.rand(value.shape, generator=generator)
    return state


@pytest.fixture(scope="module")
def path(weights, tmp_path_factory):
    path = tmp_path_factory.mktemp("resnet") / "resnet50.pth"
    torch.save(weights, path)
    return path


def second_forward(w, x, last):
    """The third form of the published network: stride in the middle convolution of a block."""

    def conv(y, name, stride=1):
        weight = w[f"{name}.weight"]
        return F.conv2d(y, weight, stride=stride, padding=weight.shape[-1] // 2)

    def normed(y, name):
        scale = w[f"{name}.weight"] / (w[f"{name}.running_var"] + 1e-5).sqrt()
        return (y - w[f"{name}.running_mean"][:, None, None]) * scale[:, None, None] + w[f"{name}.bias"][
            :, None, None
        ]

    x = F.max_pool2d(normed(conv((x - MEAN) / STD, "conv1", 2), "bn1").relu(), 3, 2, 1)
    for layer, count in BLOCKS.items():
        for block in range(count):
            name, stride = f"{layer}.{block}", 2 if block == 0 and layer != "layer1" else 1
            y = normed(conv(x, f"{name}.conv1"), f"{name}.bn1").relu()
            y = normed(conv(y, f"{name}.conv2", stride), f"{name}.bn2").relu()
            y = normed(conv(y, f"{name}.conv3"), f"{name}.bn3")
            if block == 0:
                x = normed(conv(x, f"{name}.downsample.0", stride), f"{name}.downsample.1")
            x = (x + y).relu()
        if layer == last:
            return x.mean((2, 3))
    raise AssertionError(last)


@pytest.mark.parametrize(("pooled", "dim"), [("layer3", 1024), ("layer4", 2048)])
def test_a_second_forward_agrees(weights, path, pooled, dim):
    tile = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        features = Resnet50(weights=str(path), pooled=pooled, size=64).build()(tile)
        expected = second_forward(weights, tile, pooled)
    assert features.shape == (1, dim)
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_it_is_resized_and_says_what_it_is(path):
    encoder = Resnet50(weights=str(path), size=64)
    network = encoder.build()
    with torch.no_grad():
        assert network(torch.rand(2, 3, 100, 100)).shape == (2, 1024)
    assert encoder.facts().licence.startswith("BSD-3-Clause")
    assert encoder.recipe() == {"name": "resnet50", "pooled": "layer3", "size": 64}
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_a_file_of_another_network_is_refused(tmp_path):
    save_file({"a": torch.ones(2)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match=r"encoder\.weights 'other\.safetensors' does not fit the network: "):
        Resnet50(weights=str(tmp_path / "other.safetensors")).build()
