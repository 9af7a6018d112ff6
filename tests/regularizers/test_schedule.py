"""When a term sets in."""

import pytest

from tasks.regularizers._schedule import ramp


@pytest.mark.parametrize(
    ("progress", "expected"), [(0, 0), (0.05, 0), (0.1, 0), (0.2, 0.5), (0.3, 1), (0.7, 1), (1, 1)]
)
def test_known_values(progress, expected):
    assert ramp(progress, 0.1, 0.2) == pytest.approx(expected)


def test_without_a_rise_it_sets_in_at_once():
    assert ramp(0.0999, 0.1, 0) == 0
    assert ramp(0.1, 0.1, 0) == 1
    assert ramp(0, 0, 0) == 1


def test_never_beyond_one_nor_below_zero():
    values = [ramp(k / 1000, 0.1, 0.2) for k in range(1001)]
    assert values == sorted(values)
    assert (min(values), max(values)) == (0, 1)
