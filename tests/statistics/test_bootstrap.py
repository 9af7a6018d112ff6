"""Intervals with known answers, against scipy, and with the coverage they promise."""

import numpy as np
import pytest
from scipy import stats

from tasks.statistics.bootstrap import (
    BootstrapError,
    BootstrapSettings,
    cluster_sums,
    drawn_weights,
    mean_interval,
    tail_levels,
)

PLAIN = BootstrapSettings(draws=20_000, expanded=False)


def test_sums_leave_out_units_without_a_score():
    values = np.array([[1.0, 2.0, np.nan, 4.0], [np.nan, 1.0, np.nan, 1.0]])
    sums, counts = cluster_sums(values, np.array([0, 0, 1, 2]))
    assert sums.tolist() == [[3.0, 4.0], [1.0, 1.0]]
    assert counts.tolist() == [[2.0, 1.0], [1.0, 1.0]]


def test_the_estimate_is_the_mean_over_units():
    values = np.array([1.0, 2.0, 3.0, 10.0, np.nan])
    assert mean_interval(values, np.array([0, 0, 0, 1, 1]), PLAIN).estimate == 4.0


def test_equal_values_give_a_point():
    interval = mean_interval(np.full(12, 0.25), np.arange(12) // 2, BootstrapSettings(draws=200))
    assert (interval.low, interval.high, interval.error) == (0.25, 0.25, 0.0)


def test_single_units_as_clusters_agree_with_scipy():
    values = np.random.default_rng(1).gamma(2.0, size=40)
    ours = mean_interval(values, np.arange(40), PLAIN)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2)
    )
    assert ours.error == pytest.approx(theirs.standard_error, rel=0.03)
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.1 * ours.error)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.1 * ours.error)


def test_clusters_of_several_units_agree_with_scipy_on_their_ratio():
    generator = np.random.default_rng(3)
    codes = np.repeat(np.arange(15), generator.integers(1, 9, size=15))
    values = generator.normal(size=15)[codes] + generator.normal(size=len(codes))
    sums, counts = cluster_sums(values[None], codes)
    theirs = stats.bootstrap(
        (sums[0], counts[0]),
        lambda s, n, axis: s.sum(axis=axis) / n.sum(axis=axis),
        paired=True,
        n_resamples=20_000,
        method="percentile",
        rng=np.random.default_rng(4),
    )
    ours = mean_interval(values, codes, PLAIN)
    assert ours.error == pytest.approx(theirs.standard_error, rel=0.03)
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.1 * ours.error)


def test_two_ways_add_the_variances_of_seeds_and_clusters():
    """Of an additive table the pigeonhole bootstrap's variance is var(seed)/S + var(cluster)/C exactly."""
    generator = np.random.default_rng(5)
    seed, cluster = generator.normal(size=4), generator.normal(size=25)
    error = mean_interval(seed[:, None] + cluster[None], np.arange(25), PLAIN).error
    assert error**2 == pytest.approx(seed.var() / 4 + cluster.var() / 25, rel=0.05)


def test_equal_seeds_change_nothing():
    values = np.random.default_rng(6).normal(size=30)
    one = mean_interval(values, np.arange(30) // 3, PLAIN)
    three = mean_interval(np.stack([values] * 3), np.arange(30) // 3, PLAIN)
    assert three.error == pytest.approx(one.error, rel=0.03)
    assert three.estimate == pytest.approx(one.estimate)


def test_the_expanded_tail_is_wider_and_meets_the_plain_one_for_many_clusters():
    settings = BootstrapSettings()
    few, many = tail_levels(5, settings)[0], tail_levels(100_000, settings)[0]
    assert few == pytest.approx(stats.norm.cdf(-2.7764451 * np.sqrt(5 / 4)), rel=1e-6)
    assert many == pytest.approx(0.025, rel=1e-3)
    assert tail_levels(5, PLAIN)[0] == pytest.approx(0.025)


@pytest.mark.parametrize("clusters", [6, 20])
def test_coverage_of_the_true_mean_is_near_its_level(clusters):
    generator = np.random.default_rng(7)
    codes = np.repeat(np.arange(clusters), 4)
    hits = 0
    for trial in range(400):
        values = generator.normal(size=clusters)[codes] + generator.normal(size=len(codes))
        interval = mean_interval(values, codes, BootstrapSettings(draws=4_000, seed=trial))
        hits += interval.low <= 0.0 <= interval.high
    assert 0.92 <= hits / 400 <= 0.985


def test_the_plain_interval_is_too_short_for_few_clusters():
    """Why the expanded one is the default."""
    generator = np.random.default_rng(8)
    hits = 0
    for trial in range(300):
        interval = mean_interval(
            generator.normal(size=6), np.arange(6), BootstrapSettings(1_000, trial, expanded=False)
        )
        hits += interval.low <= 0.0 <= interval.high
    assert hits / 300 < 0.92


def test_same_seed_same_interval_and_no_global_generator():
    values, codes = np.arange(20.0), np.arange(20) // 2
    state = np.random.get_state()[1].copy()
    first, second = (mean_interval(values, codes, BootstrapSettings(draws=500)) for _ in range(2))
    assert first == second
    assert (np.random.get_state()[1] == state).all()


def test_what_does_not_fit_is_refused():
    with pytest.raises(BootstrapError, match="3 units come with 2 cluster codes"):
        mean_interval(np.zeros(3), np.zeros(2, dtype=np.int64), PLAIN)
    with pytest.raises(BootstrapError, match="no unit is scored"):
        mean_interval(np.full(3, np.nan), np.zeros(3, dtype=np.int64), PLAIN)


def test_draws_are_shared_and_cannot_be_changed():
    """Equal numbers of seeds and clusters get the same draws, whatever the values: common random numbers."""
    one, again = drawn_weights(2, 7, PLAIN), drawn_weights(2, 7, PLAIN)
    assert one[0] is again[0]
    assert one[1] is again[1]
    assert (one[0].sum(axis=1) == 2).all()
    assert (one[1].sum(axis=1) == 7).all()
    with pytest.raises(ValueError, match="read-only"):
        one[1][0, 0] = 9.0
    other = drawn_weights(2, 7, BootstrapSettings(draws=PLAIN.draws, seed=PLAIN.seed + 1))
    assert (other[1] != one[1]).any()
