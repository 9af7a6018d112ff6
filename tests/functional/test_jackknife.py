"""Figures over draws and the error that the draws leave in them."""

import numpy as np
import pytest
import torch

from tasks.functional.jackknife import jackknife, pearson

GENERATOR = torch.Generator().manual_seed(0)


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=GENERATOR, dtype=torch.float64)


def test_of_a_mean_the_error_is_the_standard_deviation_over_the_root_of_the_draws():
    draws = normal(12, 5)
    value, error = jackknife(lambda means: means[0], draws[None])
    torch.testing.assert_close(value, draws.mean(0))
    torch.testing.assert_close(error, draws.std(0) / 12**0.5)


def test_the_error_is_that_of_leaving_out_one_draw_at_a_time():
    first, second = normal(9, 3), normal(9, 3)
    value, error = pearson(first, second)
    for column in range(3):
        x, y = first[:, column].numpy(), second[:, column].numpy()
        without = [np.corrcoef(np.delete(x, k), np.delete(y, k))[0, 1] for k in range(9)]
        assert value[column].item() == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-12)
        assert error[column].item() == pytest.approx(np.std(without) * 8**0.5, abs=1e-12)


@pytest.mark.parametrize("true", [0.0, 0.6, 0.9])
def test_the_error_is_what_repetition_shows(true):
    """2000 repetitions of 40 normal draws; Fisher's (1 - r^2) / sqrt(39) says the same."""
    first = normal(40, 2000)
    second = true * first + (1 - true**2) ** 0.5 * normal(40, 2000)
    value, error = pearson(first, second)
    assert error.mean().item() == pytest.approx(value.std().item(), rel=0.1)
    assert error.mean().item() == pytest.approx((1 - true**2) / 39**0.5, rel=0.1)


def test_of_a_straight_line_it_is_one_without_error_wherever_it_lies():
    x = normal(8, 2)
    for offset in (0.0, 1e6):
        value, error = pearson(x + offset, torch.stack([3 * x[:, 0] - offset, -x[:, 1]], dim=1))
        torch.testing.assert_close(value, torch.tensor([1.0, -1.0], dtype=torch.float64))
        assert error.max() < 1e-6
        assert value.abs().max() <= 1


def test_the_unit_does_not_matter():
    x, y = normal(8, 4), normal(8, 4)
    torch.testing.assert_close(pearson(1e-30 * x, 1e12 * y), pearson(x, y))


def test_what_does_not_vary_has_no_correlation():
    x, flat = normal(8, 1), torch.full((8, 1), 0.1, dtype=torch.float64)
    for pair in ((x, flat), (flat, x), (flat, flat)):
        value, error = pearson(*pair)
        assert value.isnan().all()
        assert error.isnan().all()


def test_of_a_single_draw_that_speaks_the_error_is_as_large_as_the_figure():
    x = torch.zeros(10, 1, dtype=torch.float64)
    x[3] = 1.0
    value, error = pearson(x, x)
    assert value.item() == pytest.approx(1.0)
    # The other nine leave-one-outs are 1, so the mean is 0.9: (0.9^2 + 9 x 0.1^2) x 9 / 10.
    assert error.item() == pytest.approx((0.9 * 0.9) ** 0.5)
