"""The divergence of predictions: known values, shapes of logits, gradients."""

import math

import pytest
import torch

from tasks.functional.divergence import kl_divergence, total_variation


def logits_of(*rows):
    return torch.tensor(rows, dtype=torch.float64).log()


def test_known_values():
    """KL((1/2, 1/2) || (1/4, 3/4)) = ln(2) / 2 + ln(2/3) / 2; the other way round it is another number."""
    first, second = logits_of([0.5, 0.5], [0.2, 0.8]), logits_of([0.25, 0.75], [0.2, 0.8])
    there = (math.log(2) + math.log(2 / 3)) / 2
    back = math.log(1 / 2) / 4 + 3 * math.log(3 / 2) / 4
    assert kl_divergence(first, second).tolist() == pytest.approx([there, 0], abs=1e-15)
    assert kl_divergence(second, first).tolist() == pytest.approx([back, 0], abs=1e-15)


def test_is_positive_and_ignores_what_all_logits_share():
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.randn(100, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    values = kl_divergence(first, second)
    assert (values > 0).all()
    assert torch.allclose(values, kl_divergence(first + 100, second - 30))


def test_saturated_predictions_stay_finite_and_keep_their_gradient():
    """In float32 the probability of a margin of 80 is 1; a loss of probabilities would have no gradient."""
    first = torch.tensor([[80.0, 0.0], [0.0, 80.0]])
    second = torch.tensor([[79.0, 0.0], [80.0, 0.0]]).requires_grad_()
    values = kl_divergence(first, second)
    assert values.tolist() == pytest.approx([0, 80], abs=1e-6)
    (gradient,) = torch.autograd.grad(values.sum(), second)
    assert torch.isfinite(gradient).all()
    assert gradient[0, 1].item() == pytest.approx(math.exp(-79) - math.exp(-80), rel=1e-3, abs=0)
    assert torch.isfinite(kl_divergence(first * 1e30, second * 1e30)).all()


def test_both_sides_have_gradients_that_agree_with_finite_differences():
    generator = torch.Generator().manual_seed(0)
    pair = [torch.randn(3, 4, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(2)]
    assert torch.autograd.gradcheck(kl_divergence, pair)


def test_total_variation_is_known():
    certain, even = torch.tensor([[30.0, -30.0]]), torch.zeros(1, 2)
    assert total_variation(certain, -certain).item() == pytest.approx(1)
    assert total_variation(certain, even).item() == pytest.approx(0.5)
    assert total_variation(even, even).item() == 0
