"""The schedule and the optimiser's groups."""

import math

import pytest
import torch

from tasks.training.optimise import learning_rate, make_optimizer
from tasks.training.recipe import TrainingRecipe
from tests._support.training_steps import tiny_classifier


def test_warm_up_then_half_a_cosine():
    recipe = TrainingRecipe(lr=0.1, warmup=0.1)
    rates = [learning_rate(recipe, step, 100) for step in range(100)]
    assert rates[:10] == pytest.approx([0.01 * (i + 1) for i in range(10)])
    assert rates[10] == pytest.approx(0.1)
    assert rates[55] == pytest.approx(0.05)
    assert rates[99] == pytest.approx(0.05 * (1 + math.cos(math.pi * 89 / 90)))
    assert min(rates) > 0


def test_agrees_with_torch():
    recipe = TrainingRecipe(lr=0.1, warmup=0)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50)
    for step in range(50):
        assert learning_rate(recipe, step, 50) == pytest.approx(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()


def test_biases_and_norm_layers_do_not_decay():
    model = tiny_classifier()
    decayed, free = make_optimizer(model, TrainingRecipe(weight_decay=0.3)).param_groups
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.3, 0.0)
    assert all(p.ndim > 1 for p in decayed["params"])
    assert all(p.ndim == 1 for p in free["params"])
    assert len(decayed["params"]) + len(free["params"]) == len(list(model.parameters()))
