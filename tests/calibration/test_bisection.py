"""Bisection on the logarithm of sigma."""

import math

import pytest

from tasks.calibration.bisection import HALVINGS, HIGHEST, LOWEST, NoCrossingError, find_crossing


@pytest.mark.parametrize("truth", [0.00013, 0.0042, 0.05, 0.3, 0.99])
def test_a_rising_curve_is_crossed_where_it_crosses(truth):
    asked = []

    def value_at(sigma):
        asked.append(sigma)
        return sigma / truth

    found = find_crossing(value_at, 1.0)
    assert found.below < truth <= found.above
    assert found.above / found.below == pytest.approx((HIGHEST / LOWEST) ** 0.5**HALVINGS)
    assert found.above / found.below < 1.02
    assert found.nearest == min((found.below, found.above), key=lambda sigma: abs(sigma / truth - 1))
    assert len(asked) == len(set(asked)) == 2 + HALVINGS


def test_of_a_step_the_nearer_side_is_taken():
    assert find_crossing(lambda s: 0.0 if s < 0.01 else 0.2, 0.05).nearest < 0.01
    assert find_crossing(lambda s: 0.0 if s < 0.01 else 0.06, 0.05).nearest >= 0.01


def test_a_curve_that_wavers_is_crossed_somewhere_and_always_there():
    def value_at(sigma):
        return math.log10(sigma) + 2 + 0.8 * math.sin(9 * math.log10(sigma))

    found = find_crossing(value_at, 0.0)
    assert value_at(found.below) < 0 <= value_at(found.above)
    assert found == find_crossing(value_at, 0.0)


def test_a_curve_that_is_never_so_high_is_refused_and_one_that_always_is_gives_the_least_sigma():
    with pytest.raises(NoCrossingError, match=r"0.04 at sigma 1"):
        find_crossing(lambda sigma: 0.04 * sigma, 0.05)
    found = find_crossing(lambda sigma: 0.5, 0.05)
    assert found.below == found.above == found.nearest == LOWEST
