"""What draws leave open, against many repetitions."""

import pytest
import torch

from tasks.faithfulness._draws import maximum_over, mean_over

NAN = float("nan")


def draws(count: int, units: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return -torch.rand(count, units, generator=generator, dtype=torch.float64).log()


def test_mean_and_error_by_hand():
    """Of 1, 2, 6: mean 3, variance (4 + 1 + 9) / 2 = 7, error sqrt(7 / 3)."""
    mean, error = mean_over(torch.tensor([[1.0, 5.0, NAN], [2.0, NAN, NAN], [6.0, NAN, NAN]]).double())
    assert mean.tolist() == pytest.approx([3.0, 5.0, NAN], nan_ok=True)
    assert error.tolist() == pytest.approx([(7 / 3) ** 0.5, NAN, NAN], nan_ok=True)


def test_maximum_and_error_by_hand():
    """Leaving out one of 1, 2, 6 gives 6, 6, 2: the jackknife is 2 / 3 x (6 - 2); of a tie it is 0."""
    given = [[1.0, 5.0, 4.0, NAN], [2.0, NAN, 4.0, NAN], [6.0, NAN, NAN, NAN]]
    highest, error = maximum_over(torch.tensor(given).double())
    assert highest.tolist() == pytest.approx([6.0, 5.0, 4.0, NAN], nan_ok=True)
    assert error.tolist() == pytest.approx([8 / 3, NAN, 0.0, NAN], nan_ok=True)


def test_the_jackknife_of_a_maximum_is_the_jackknife():
    given = draws(7, 50)
    left_out = torch.stack([torch.cat([given[:i], given[i + 1 :]]).amax(0) for i in range(7)])
    by_hand = (6 / 7 * (left_out - left_out.mean(0)).square().sum(0)).sqrt()
    torch.testing.assert_close(maximum_over(given)[1], by_hand)


@pytest.mark.parametrize(("reduce", "low", "high"), [(mean_over, 0.9, 1.05), (maximum_over, 0.6, 1.2)])
def test_errors_have_the_size_of_what_repetitions_scatter(reduce, low, high):
    """2000 repetitions of 10 exponential draws; the mean error against the scatter of the value."""
    value, error = reduce(draws(10, 2000))
    assert low < error.mean() / value.std() < high


def test_one_draw_says_nothing_of_its_error():
    for reduce in (mean_over, maximum_over):
        value, error = reduce(draws(1, 3))
        assert value.isfinite().all()
        assert error.isnan().all()
