"""Weights come back bit for bit."""

import pytest
import torch
from torch import nn

from tasks.functional.kept_weights import kept_weights


def spoil_and_fail(model: nn.Linear) -> None:
    with kept_weights(dict(model.named_parameters())) as saved, torch.no_grad():
        assert torch.equal(saved["weight"], model.weight)
        model.weight.add_(1.0)
        model.bias.fill_(float("nan"))
        raise RuntimeError("inside")


def test_they_come_back_also_after_an_exception():
    model = nn.Linear(3, 2)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    with pytest.raises(RuntimeError, match="inside"):
        spoil_and_fail(model)
    assert all(torch.equal(value, before[name]) for name, value in model.named_parameters())


def test_what_is_not_named_stays_changed():
    model = nn.Linear(3, 2)
    with kept_weights({"weight": model.weight}), torch.no_grad():
        model.bias.fill_(7.0)
    assert model.bias.tolist() == [7.0, 7.0]
