"""The penalty on the gradient of the loss by the input."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tasks.regularizers.base import STANDARD, TrainingPasses, step_passes
from tasks.regularizers.input_gradient import InputGradient
from tests._support.penalty_gradients import assert_weight_gradients
from tests._support.staged import Staged, repeated_batch
from tests._support.training_steps import make_arm, make_step, random_batch, tiny_classifier


def term(method, model, batch=None, **step_changes):
    arm = make_arm(method)
    step = replace(make_step(model, arm, batch), **step_changes)
    step.settled, step.generator = True, arm.generators[0]
    (value,) = method.loss_terms(step, {})[0].values()
    return value


@pytest.mark.parametrize("activation", [nn.Identity(), nn.ReLU()], ids=["linear", "two_layer"])
def test_known_value(activation):
    """dL/dx = (softmax(f) - onehot(y))^T df/dx, with the Jacobian written down."""
    model, batch = Staged(activation), repeated_batch()
    error = torch.softmax(model(batch.images), 1).detach() - F.one_hot(batch.labels, 3)
    gradient = torch.einsum("bk,bkn->bn", error, model.jacobians(batch.images)[2])
    expected = gradient.square().sum(1).mean().item()
    assert term(InputGradient(weight=1), model, batch).item() == pytest.approx(expected, rel=1e-9)
    assert term(InputGradient(weight=0.5), model, batch).item() == pytest.approx(expected / 2, rel=1e-9)


def test_it_is_a_mean_over_tiles_and_knows_no_class_weights():
    """The trap of a mean loss, whose gradient for one tile falls with the size of the batch."""
    model, method = Staged(nn.ReLU()), InputGradient()
    one, many = (term(method, model, repeated_batch(times=times)).item() for times in (1, 10))
    assert many == pytest.approx(one, rel=1e-9)
    weighted = term(method, model, repeated_batch(), class_weights=torch.tensor([1.0, 9.0, 1.0]))
    assert weighted.item() == pytest.approx(one, rel=1e-9)


def test_weight_gradients_agree_with_finite_differences():
    assert_weight_gradients(InputGradient(weight=1))


def test_two_of_them_share_the_gradient():
    pair = (InputGradient(), InputGradient(id="again"))
    assert step_passes(pair) == STANDARD + TrainingPasses(double_backward=1)


def test_warm_up_costs_nothing_and_the_ramp_is_linear():
    model, method = tiny_classifier(), InputGradient()
    step = replace(make_step(model, make_arm(method)), progress=0.05)
    assert method.loss_terms(step, {}) == ({}, {})
    assert "main" not in vars(step)
    half, full = (term(method, model, progress=progress).item() for progress in (0.2, 0.3))
    assert half == pytest.approx(full / 2, rel=1e-5)


def test_bfloat16_gives_finite_weight_gradients_and_nearly_the_same_value():
    model, batch = tiny_classifier(), random_batch(count=32)
    value = term(InputGradient(), model, batch, amp=True)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(term(InputGradient(), model, batch).item(), rel=0.05)
    gradients = torch.autograd.grad(value, [model.network.conv1.weight, model.network.fc.weight])
    assert all(torch.isfinite(gradient).all() and gradient.abs().sum() > 0 for gradient in gradients)
