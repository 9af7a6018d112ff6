"""The penalty on the gradient of the loss by the input."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tasks.regularizers.base import STANDARD, TrainingPasses, step_passes
from tasks.regularizers.input_gradient import InputGradient
from tests._support.penalty_gradients import (
    assert_finite_in_bfloat16,
    assert_free_warm_up_and_linear_ramp,
    assert_weight_gradients,
    term,
)
from tests._support.staged import Staged, repeated_batch


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
    assert_free_warm_up_and_linear_ramp(InputGradient())


def test_bfloat16_gives_finite_weight_gradients_and_nearly_the_same_value():
    assert_finite_in_bfloat16(InputGradient())
