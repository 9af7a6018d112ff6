"""The Jacobian penalty: its estimate is without bias, whatever the number of classes."""

import pytest
import torch
from torch import nn

from tasks.regularizers.activation_sensitivity import ActivationSensitivity
from tasks.regularizers.jacobian import Jacobian
from tests._support.penalty_gradients import (
    assert_finite_in_bfloat16,
    assert_free_warm_up_and_linear_ramp,
    assert_weight_gradients,
    term,
)
from tests._support.staged import Staged, repeated_batch


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("activation", [nn.Identity(), nn.ReLU()], ids=["linear", "two_layer"])
def test_its_mean_over_draws_is_the_squared_frobenius_norm(activation, classes):
    model = Staged(activation, classes)
    expected = model.jacobians(repeated_batch().images)[2].square().sum((1, 2)).mean().item()
    value = term(Jacobian(weight=1), model, repeated_batch(times=2000)).item()
    assert value == pytest.approx(expected, rel=0.03)


def test_every_draw_is_exact_where_all_directions_are_equally_steep():
    """Logits with orthonormal weights: any v on the unit sphere gives a squared norm of 1."""
    model = Staged(nn.Identity(), classes=5)
    drawn = torch.randn(48, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weight = torch.linalg.qr(drawn)[0].T
    model.network = nn.Sequential(nn.Conv2d(3, 5, 4, bias=False), nn.Flatten()).double()
    model.network[0].weight.data = weight.reshape(5, 3, 4, 4).contiguous()
    for seed in range(3):
        assert term(Jacobian(weight=1), model, repeated_batch(), seed).item() == pytest.approx(5, rel=1e-9)


def test_it_is_the_output_term_of_activation_sensitivity():
    """The control that tells whether hidden layers add anything; its weight is the output weight / K."""
    model, batch = Staged(nn.ReLU(), classes=3), repeated_batch()
    whole = ActivationSensitivity(weight=0, output_weight=0.3)
    assert term(Jacobian(weight=0.1), model, batch).item() == pytest.approx(term(whole, model, batch).item())


def test_weight_gradients_agree_with_finite_differences():
    assert_weight_gradients(Jacobian(weight=1))


def test_warm_up_costs_nothing_and_the_ramp_is_linear():
    assert_free_warm_up_and_linear_ramp(Jacobian())


def test_bfloat16_gives_finite_weight_gradients_and_nearly_the_same_value():
    assert_finite_in_bfloat16(Jacobian())
