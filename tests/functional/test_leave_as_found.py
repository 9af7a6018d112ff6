"""A model is left as it was found."""

import pytest
import torch
from torch import nn

from tasks.functional.leave_as_found import leave_as_found


def odd_model() -> nn.Module:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    model[0].weight.requires_grad_(False)
    model[0].bias.grad = torch.ones(4)
    model.train()
    model[2].eval()
    return model


def state(model: nn.Module) -> list[object]:
    modes = [module.training for module in model.modules()]
    return modes + [
        (p.requires_grad, None if p.grad is None else p.grad.tolist()) for p in model.parameters()
    ]


@pytest.mark.parametrize("fails", [False, True])
def test_modes_requires_grad_and_grads_come_back(fails):
    model = odd_model()
    before, buffers = state(model), {k: v.clone() for k, v in model.named_buffers()}
    try:
        with leave_as_found(model) as guest:
            assert not any(module.training for module in guest.modules())
            assert not any(p.requires_grad for p in guest.parameters())
            model(torch.rand(2, 3, 8, 8))
            model[0].bias.requires_grad_(True)
            model(torch.rand(2, 3, 8, 8)).sum().backward()
            if fails:
                raise RuntimeError("on purpose")
    except RuntimeError:
        assert fails
    assert state(model) == before
    for name, buffer in model.named_buffers():
        assert torch.equal(buffer, buffers[name])
