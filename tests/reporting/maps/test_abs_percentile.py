import numpy as np
import pytest

from tasks.reporting.maps.abs_percentile import ROUNDING, AbsHistogram


def counted(*parts):
    found = AbsHistogram()
    for part in parts:
        found.add(np.asarray(part, np.float32))
    return found


@pytest.mark.parametrize("size", [1e-12, 1e-3, 1.0, 1e9])
@pytest.mark.parametrize("percent", [50.5, 90, 99, 100])
def test_a_percentile_is_the_exact_one_but_for_its_rounding(size, percent):
    values = np.random.default_rng(0).normal(size=20_001).astype(np.float32) * np.float32(size)
    exact = np.percentile(np.abs(values), percent, method="inverted_cdf")
    assert exact < counted(values).percentile(percent) <= exact * (1 + ROUNDING) * (1 + 1e-6)


def test_a_known_answer():
    hundred = counted(np.arange(1, 101))
    assert hundred.percentile(95) == pytest.approx(95, rel=ROUNDING)
    assert hundred.percentile(95.1) == pytest.approx(96, rel=ROUNDING)


def test_zeros_and_what_is_no_number_do_not_count():
    found = counted([[0.0, -0.0, np.nan, np.inf, -np.inf, -2.0]])
    assert found.count == 1
    assert found.percentile(51) == pytest.approx(2.0, rel=ROUNDING)
    assert counted([0.0, np.nan]).percentile(99) == 0.0


def test_parts_and_their_order_change_nothing():
    values = np.random.default_rng(1).normal(size=1000)
    whole, one, two = counted(values), counted(values[700:]), counted(values[:700])
    one.add_all(two)
    assert (one.count, one.percentile(97)) == (whole.count, whole.percentile(97))
