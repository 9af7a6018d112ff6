"""Rules at the calls of a function."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tasks.explainers._at_calls import AtCalls, Call
from tests._support.small_networks import FailingError

X = torch.tensor([-1.0, 2.0])


class Reused(nn.Module):
    """One ReLU called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(self.act(x) - 1)


WAYS = {
    "module": (nn.ReLU(), 1),
    "in-place module": (nn.ReLU(inplace=True), 1),
    "reused module": (Reused(), 2),
    "functional": (F.relu, 1),
    "by keyword": (lambda x: F.relu(input=x), 1),
    "torch": (torch.relu, 1),
    "method": (lambda x: x.relu(), 1),
    "in-place method": (lambda x: x.relu_(), 1),
    "another function": (torch.tanh, 0),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_call_a_function_is_met_once(way):
    network, times = WAYS[way]
    met = []

    def rule(call: Call) -> torch.Tensor:
        met.append((call.name, call.in_place))
        return call.on(call.input)

    with AtCalls(frozenset({"relu"}), rule):
        inside = network(X.clone())
    assert met == [("relu", "in-place" in way)] * times
    assert torch.equal(inside, network(X.clone()))
    assert len(met) == times, "met outside"


@pytest.mark.parametrize(
    ("call", "in_place"),
    [
        (lambda x: F.leaky_relu(x, 0.1, True), True),
        (lambda x: F.leaky_relu(x, 0.1), False),
        (lambda x: F.leaky_relu(x, inplace=True), True),
        (lambda x: F.leaky_relu_(x), True),
    ],
)
def test_in_place_is_known_by_name_and_by_flag(call, in_place):
    met = []

    def rule(found: Call) -> torch.Tensor:
        met.append(found.in_place)
        return found.on(found.input)

    with AtCalls(frozenset({"leaky_relu"}), rule):
        call(X.clone())
    assert met == [in_place]


def failing(x: torch.Tensor) -> torch.Tensor:
    assert torch.equal(torch.relu(x), x * 10)
    raise FailingError


def test_the_rule_gives_the_result_and_ends_with_the_block_also_after_an_exception():
    tenfold = AtCalls(frozenset({"relu"}), lambda call: call.input * 10)
    with pytest.raises(FailingError), tenfold:
        failing(X)
    assert torch.equal(torch.relu(X), torch.tensor([0.0, 2.0]))
