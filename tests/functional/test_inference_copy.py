"""The copy answers as its network does, leaves it alone, and is not made where it could be wrong."""

import pytest
import torch
from torch import nn

from tasks.functional.inference_copy import TOLERANCE, InferenceCopy, _equal, inference_copy
from tasks.models.recipe import NetworkRecipe
from tasks.models.resnet import build_resnet


def images(count, seed=0, pixels=32):
    return torch.rand(count, 3, pixels, pixels, generator=torch.Generator().manual_seed(seed))


def network(name="resnet18"):
    made = build_resnet(NetworkRecipe(name=name, width=0.25, stem_stride=2), 2, 0)
    generator = torch.Generator().manual_seed(1)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)
    return made.eval().requires_grad_(False)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_it_gives_the_logits_of_its_network_for_batches_of_any_size(name):
    model = network(name)
    copied = inference_copy(model, images(2))
    assert isinstance(copied, InferenceCopy)
    with torch.no_grad():
        for count in (1, 7, 16):
            expected = model(images(count, seed=count))
            torch.testing.assert_close(copied(images(count, seed=count)), expected, rtol=1e-4, atol=1e-5)


def test_it_folds_every_normalisation():
    copied = inference_copy(network(), images(2))
    assert isinstance(copied, InferenceCopy)
    assert "batch_norm" not in str(copied._program.graph)


def test_it_gives_the_same_bits_at_every_call():
    copied = inference_copy(network(), images(2))
    with torch.no_grad():
        first = copied(images(7))
        copied(images(3)), copied(images(16))
        assert all(torch.equal(first, copied(images(7))) for _ in range(3))


def test_the_network_is_left_as_it_was():
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    inference_copy(model, images(2))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(parameter.grad is not None for parameter in model.parameters())
    assert isinstance(model.bn1, nn.BatchNorm2d)


def test_the_weights_are_those_of_its_making():
    model = network()
    copied = inference_copy(model, images(2))
    with torch.no_grad():
        before = copied(images(4))
        model.fc.weight.zero_()
        assert torch.equal(copied(images(4)), before)


class LooksAtValues(nn.Module):
    def forward(self, x):
        return x.mean((2, 3)) if x.mean() > 0.5 else -x.mean((2, 3))


class LooksAtTheBatch(nn.Module):
    def forward(self, x):
        return x.mean((2, 3)) * (1.0 if len(x) < 3 else 2.0)


class Draws(nn.Module):
    def forward(self, x):
        return x.mean((2, 3)) + torch.rand(len(x), 3)


class OfNumpy(nn.Module):
    def forward(self, x):
        return torch.from_numpy(x.numpy().mean((2, 3)))


class PoolsUnevenly(nn.Module):
    """Recorded and optimised without complaint, but the library's pooling then refuses 32 to 5."""

    def __init__(self):
        super().__init__()
        self.conv, self.pool = nn.Conv2d(3, 4, 3, padding=1), nn.AdaptiveAvgPool2d(5)

    def forward(self, x):
        return self.pool(self.conv(x)).mean((2, 3))


@pytest.mark.parametrize("kind", [LooksAtValues, LooksAtTheBatch, Draws, OfNumpy, PoolsUnevenly])
def test_a_network_that_cannot_be_recorded_faithfully_is_used_as_it_is(kind):
    model = kind().eval()
    assert inference_copy(model, images(2)) is model


def test_a_network_that_bears_hooks_is_used_as_it_is():
    model, seen = network(), []
    model.layer1.register_forward_hook(lambda module, inputs, output: seen.append(1))
    assert inference_copy(model, images(2)) is model
    assert seen == []


def test_a_network_in_training_is_used_as_it_is():
    model = network().train()
    assert inference_copy(model, images(2)) is model


def test_a_copy_that_differs_is_not_used():
    logits = torch.tensor([[1.0, 2.0]])
    assert _equal(logits, logits + TOLERANCE)
    assert not _equal(logits, logits + 10 * TOLERANCE)
    assert not _equal(logits, logits.double())
    assert not _equal(logits, torch.full((1, 2), torch.nan))


class LogOfDarkness(nn.Module):
    """Its first values are not a number where nothing is dark; a ReLU behind a convolution follows."""

    def __init__(self):
        super().__init__()
        self.conv, self.relu, self.fc = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Linear(4, 2)

    def forward(self, x):
        dark = (1 - x).sum((1, 2, 3), keepdim=True)
        return self.fc(self.relu(self.conv(x * dark / dark)).mean((2, 3)))


def test_a_network_that_gives_nan_on_a_fill_is_used_as_it_is():
    """A fused ReLU would make a number of NaN, which the network never gives."""
    model = LogOfDarkness().eval()
    asked = inference_copy(model, images(2))
    assert asked is model
    with torch.no_grad():
        assert asked(torch.ones(1, 3, 32, 32)).isnan().all()


class Asserts(nn.Module):
    def forward(self, x):
        assert len(x) < 3, "few at a time"
        return x.mean((2, 3))


def test_a_network_that_raises_any_error_on_the_check_is_used_as_it_is():
    model = Asserts().eval()
    assert inference_copy(model, images(2)) is model


def test_the_images_are_left_as_found_by_a_network_that_writes_on_them():
    class Writes(nn.Module):
        def forward(self, x):
            return x.sub_(0.5).mean((2, 3))

    given = images(2)
    inference_copy(Writes().eval(), given)
    assert torch.equal(given, images(2))
