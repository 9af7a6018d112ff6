"""A network seen as linear between an image and a reference."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tasks.explainers._at_calls import ELEMENTWISE
from tasks.explainers._rescale import rescaled

GENERATOR = torch.Generator().manual_seed(0)
HERE = torch.randn(2, 3, 9, 9, generator=GENERATOR)
THERE = torch.randn(2, 3, 9, 9, generator=GENERATOR)
PARAMETERS = {"prelu": (torch.tensor([0.3]),)}
FUNCTIONAL = {"log_sigmoid": "logsigmoid"}


def shares(function, here=HERE, there=THERE) -> tuple[torch.Tensor, torch.Tensor]:
    """The multipliers times the differences, and the difference of the summed outputs, image by image."""
    leaf = here.clone().requires_grad_()
    out = rescaled(function, there)(leaf)
    torch.testing.assert_close(out, function(here.clone()), rtol=0, atol=0)
    (multipliers,) = torch.autograd.grad(out.sum(), leaf)
    wanted = (function(here.clone()) - function(there.clone())).flatten(1).sum(1)
    return multipliers * (here - there), wanted


@pytest.mark.parametrize("name", sorted(ELEMENTWISE))
def test_each_activation_shares_its_own_difference_alone(name):
    def function(x):
        return getattr(F, FUNCTIONAL.get(name, name))(x, *PARAMETERS.get(name, ()))

    found, _ = shares(function)
    torch.testing.assert_close(found, function(HERE) - function(THERE), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", ["relu", "silu"])
def test_where_nothing_differs_nothing_is_shared_and_all_stays_finite(name):
    found, wanted = shares(getattr(F, name), HERE, HERE)
    assert found.eq(0).all()
    assert wanted.eq(0).all()


def test_without_a_difference_the_slope_of_a_smooth_activation_is_its_own():
    """A quotient of rounding errors would be anything."""
    leaf = HERE.clone().requires_grad_()
    (found,) = torch.autograd.grad(rescaled(torch.tanh, HERE + 1e-8)(leaf).sum(), leaf)
    torch.testing.assert_close(found, 1 - torch.tanh(HERE) ** 2)


@pytest.mark.parametrize("name", ["relu", "silu", "pool", "in_place"])
def test_one_reference_for_all_is_the_same_reference_for_each(name):
    function = {
        "relu": F.relu,
        "silu": F.silu,
        "pool": lambda x: F.max_pool2d(F.relu(x), 3, stride=2, padding=1),
        "in_place": lambda x: F.relu_(x * 2) + F.relu(x - 0.5),
    }[name]
    one = THERE[:1]
    found, _ = shares(function, HERE, one)
    each, _ = shares(function, HERE, one.expand_as(HERE).contiguous())
    torch.testing.assert_close(found, each)


POOLS = {
    "apart": nn.MaxPool2d(3),
    "overlapping": nn.MaxPool2d(3, stride=1),
    "overlapping and padded": nn.MaxPool2d(3, stride=2, padding=1),
    "dilated": nn.MaxPool2d(2, stride=1, dilation=2),
    "functional": lambda x: F.max_pool2d(x, (3, 2), stride=1),
    "adaptive": nn.AdaptiveMaxPool2d(4),
    "of the whole": lambda x: F.adaptive_max_pool2d(x, 1),
    "after a pool": nn.Sequential(
        nn.MaxPool2d(3, stride=1), nn.ReLU(inplace=True), nn.MaxPool2d(2, stride=1)
    ),
}


@pytest.mark.parametrize("pool", POOLS)
def test_pools_share_the_change_of_every_maximum(pool):
    found, wanted = shares(POOLS[pool])
    torch.testing.assert_close(found.flatten(1).sum(1), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        ((3.0, 1.0), (0.0, 2.0), (1.0, 0.0)),  # the maximum rose by 1, at the first place
        ((1.0, 0.0), (0.0, 2.0), (0.0, -1.0)),  # it fell by 1, at the second
        ((5.0, 0.0), (3.0, 0.0), (2.0, 0.0)),  # the same place
    ],
)
def test_the_shares_of_a_window_of_two_are_known(here, there, expected):
    found, _ = shares(nn.MaxPool2d((1, 2)), *(torch.tensor(v).view(1, 1, 1, 2) for v in (here, there)))
    assert found.flatten().tolist() == list(expected)


def test_it_is_for_one_call():
    forward = rescaled(torch.relu, THERE)
    forward(HERE)
    with pytest.raises(IndexError):
        forward(HERE)
