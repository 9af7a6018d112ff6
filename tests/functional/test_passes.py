"""Passes counted in images."""

import pytest
import torch
from torch import nn

from tasks.functional.gradients import input_gradient
from tasks.functional.passes import Passes, counted_passes


def test_passes_add_and_multiply():
    assert Passes(1, 1) * 3 + Passes(forward=2) == Passes(5, 3)


def test_images_are_counted_forward_and_backward():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    with counted_passes(model) as counter:
        input_gradient(model, torch.rand(5, 3, 2, 2), torch.zeros(5, dtype=torch.int64))
        with torch.no_grad():
            model(torch.rand(7, 3, 2, 2))
    assert counter.spent == Passes(forward=12, backward=5)
    assert not model._forward_hooks


def test_the_hook_goes_also_when_the_block_fails():
    model = nn.Linear(2, 2)
    with pytest.raises(ZeroDivisionError), counted_passes(model):
        raise ZeroDivisionError
    assert not model._forward_hooks
