"""An untrained copy."""

import math

import pytest
import torch
from torch import nn

from tasks.functional.reinitialise import reinitialised


def trained() -> nn.Module:
    model = nn.Sequential(nn.Conv2d(3, 64, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.Flatten(), nn.Linear(64, 64))
    model.register_buffer("mean", torch.tensor([0.7, 0.5, 0.6]))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(3.0)
        model[1].running_mean.fill_(2.0)
        model[1].num_batches_tracked.fill_(9)
    return model


def test_weights_follow_hes_law_and_statistics_are_forgotten():
    fresh = reinitialised(trained(), 0)
    for index, fan_in in ((0, 27), (4, 64)):
        assert fresh[index].weight.std().item() == pytest.approx(math.sqrt(2 / fan_in), rel=0.1)
        assert (fresh[index].bias == 0).all()
    assert (fresh[1].weight == 1).all()
    assert (fresh[1].running_mean == 0).all()
    assert (fresh[1].running_var == 1).all()
    assert fresh[1].num_batches_tracked == 0
    assert fresh.mean.tolist() == pytest.approx([0.7, 0.5, 0.6])


def test_the_model_and_the_global_generator_stay():
    model = trained()
    before, rng = {k: v.clone() for k, v in model.state_dict().items()}, torch.get_rng_state()
    reinitialised(model, 0)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), rng)


def test_the_seed_decides_and_equal_shapes_differ():
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    one, same, other = reinitialised(model, 0), reinitialised(model, 0), reinitialised(model, 1)
    assert torch.equal(one[0].weight, same[0].weight)
    assert not torch.equal(one[0].weight, other[0].weight)
    assert not torch.equal(one[0].weight, one[1].weight)
