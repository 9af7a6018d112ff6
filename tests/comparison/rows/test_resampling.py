import numpy as np
import pytest

from tasks.comparison.rows.cluster_sums import mean_sums
from tasks.comparison.rows.resampling import detectable, draw, drawn, interval, p_value, point
from tasks.statistics.bootstrap import BootstrapSettings, mean_interval
from tasks.statistics.paired import paired_difference

SETTINGS = BootstrapSettings(draws=3000, seed=4)


def scores():
    generator = np.random.default_rng(0)
    codes = np.repeat(np.arange(8), 5)
    return generator.normal(size=(3, 40)) + generator.normal(size=8)[codes], codes


def test_a_mean_gets_the_interval_that_the_two_way_bootstrap_gives_it():
    values, codes = scores()
    tallies = [mean_sums(row, codes, 8) for row in values]
    estimate = point(tallies)
    found = interval(estimate, drawn(tallies, draw(3, 8, SETTINGS)), 8, SETTINGS)
    known = mean_interval(values, codes, SETTINGS)
    assert found.estimate == pytest.approx(known.estimate)
    assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=1e-9)
    assert found.error == pytest.approx(known.error)


def test_p_is_where_the_interval_reaches_zero():
    values, codes = scores()
    other = values - 0.1 + np.random.default_rng(1).normal(size=values.shape)
    known = paired_difference(values, other, codes, SETTINGS)
    tallies = [mean_sums(row, codes, 8) for row in values - other]
    p, smallest = p_value(drawn(tallies, draw(3, 8, SETTINGS)), 8, SETTINGS)
    assert p <= known.p + 1e-6
    assert smallest <= known.smallest_p + 1e-6
    level = 1 - p
    edge = interval(0.1, drawn(tallies, draw(3, 8, SETTINGS)), 8, BootstrapSettings(3000, 4, level))
    assert min(abs(edge.low), abs(edge.high)) == pytest.approx(0.0, abs=0.02)


def test_what_can_be_detected_grows_with_the_error_and_is_unknown_without_one():
    assert detectable(1.0, SETTINGS) == pytest.approx(1.95996 + 0.84162, abs=1e-4)
    assert np.isnan(detectable(0.0, SETTINGS))


def test_equal_numbers_of_seeds_get_equal_draws():
    one, other = draw(2, 5, SETTINGS), draw(2, 5, SETTINGS)
    np.testing.assert_array_equal(one.clusters, other.clusters)
    assert (one.seeds.sum(axis=1) == 2).all()
