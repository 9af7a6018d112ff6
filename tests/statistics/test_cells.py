"""Pseudo-values: what they are of a mean, and against DeLong's variance of an area under a ROC curve."""

import numpy as np
import pytest
from scipy import stats

from tasks.comparison.rows.cluster_sums import auroc_sums
from tasks.statistics.cells import (
    cluster_sums,
    figure_cells,
    fraction_estimate,
    mean_cells,
    mean_estimate,
)
from tasks.statistics.two_way import StatisticsError


def test_sums_leave_out_units_without_a_score():
    values = np.array([[1.0, 2.0, np.nan, 4.0], [np.nan, 1.0, np.nan, 1.0]])
    sums, counts = cluster_sums(values, np.array([0, 0, 1, 2]))
    assert sums.tolist() == [[3.0, 4.0], [1.0, 1.0]]
    assert counts.tolist() == [[2.0, 1.0], [1.0, 1.0]]


def test_a_seed_without_any_score_is_left_out():
    sums, counts = cluster_sums(np.array([[1.0, 2.0], [np.nan, np.nan]]), np.array([0, 1]))
    assert sums.shape == counts.shape == (1, 2)


def test_the_estimate_is_the_mean_over_units():
    values = np.array([1.0, 2.0, 3.0, 10.0, np.nan])
    assert mean_estimate(values, np.array([0, 0, 0, 1, 1]), 0.95).value == 4.0


def test_seeds_count_alike_however_many_units_they_score():
    values = np.array([[1.0, 1.0, 1.0, 1.0], [5.0, np.nan, np.nan, 5.0]])
    assert mean_estimate(values, np.arange(4), 0.95).value == 3.0


def test_clusters_of_equal_size_are_their_own_pseudo_values():
    values = np.random.default_rng(0).normal(size=(2, 12))
    sums, counts = cluster_sums(values, np.arange(12) // 3)
    np.testing.assert_allclose(mean_cells(sums, counts), values.reshape(2, 4, 3).mean(axis=2))


def test_single_units_give_students_interval():
    values = np.random.default_rng(1).gamma(2.0, size=40)
    found, known = mean_estimate(values, np.arange(40), 0.95), stats.ttest_1samp(values, 0.0)
    bounds = known.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high))


def test_clusters_of_unequal_size_agree_with_scipys_bootstrap_of_their_ratio():
    generator = np.random.default_rng(3)
    codes = np.repeat(np.arange(60), generator.integers(1, 9, size=60))
    values = generator.normal(size=60)[codes] + generator.normal(size=len(codes))
    sums, counts = cluster_sums(values[None], codes)
    theirs = stats.bootstrap(
        (sums[0], counts[0]), lambda s, n, axis: s.sum(axis=axis) / n.sum(axis=axis), paired=True,
        n_resamples=8000, method="percentile", rng=np.random.default_rng(4),
    )  # fmt: skip
    assert mean_estimate(values, codes, 0.95).error == pytest.approx(theirs.standard_error, rel=0.06)


def test_a_figure_and_a_mean_have_the_same_pseudo_values():
    generator = np.random.default_rng(5)
    sums, counts = generator.normal(size=7), generator.integers(1, 6, size=7).astype(float)
    found = figure_cells(lambda weights: (weights @ sums) / (weights @ counts), 7)
    np.testing.assert_allclose(found, mean_cells(sums[None], counts[None])[0])


def test_the_error_of_an_auroc_is_delongs_where_units_are_independent():
    """DeLong (1988), computed here from placement values; the jackknife is known to be close to it."""
    generator = np.random.default_rng(6)
    positive = np.arange(80) < 35
    scores = generator.normal(size=80) + positive
    cells = figure_cells(auroc_sums(scores, positive, np.arange(80), 80).of, 80)
    wins = (scores[positive][:, None] > scores[~positive][None]).astype(float)
    delong = wins.mean(1).var(ddof=1) / 35 + wins.mean(0).var(ddof=1) / 45
    assert cells.var(ddof=1) / 80 == pytest.approx(delong, rel=0.05)


def test_a_figure_that_one_cluster_alone_defines_has_no_pseudo_value():
    positive = np.array([True, False, False, False])
    cells = figure_cells(auroc_sums(np.arange(4.0), positive, np.arange(4), 4).of, 4)
    assert np.isnan(cells).any()


def test_what_does_not_fit_is_refused():
    with pytest.raises(StatisticsError, match="3 units come with 2 cluster codes"):
        mean_estimate(np.zeros(3), np.zeros(2, dtype=np.int64), 0.95)
    with pytest.raises(StatisticsError, match="no unit is scored"):
        mean_estimate(np.full(3, np.nan), np.zeros(3, dtype=np.int64), 0.95)


def test_values_are_left_as_they_were():
    values = np.array([[1.0, np.nan, 3.0]])
    kept = values.copy()
    mean_estimate(values, np.arange(3), 0.95)
    np.testing.assert_array_equal(values, kept)


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_a_share_has_an_interval_within_0_and_1_that_is_wider_away_from_its_end(level):
    generator = np.random.default_rng(8)
    positive = np.arange(60) % 2 == 0
    figures = [
        auroc_sums(generator.normal(size=60) + 2.2 * positive, positive, np.arange(60) // 6, 10).of
        for _ in range(3)
    ]
    found = fraction_estimate(figures, 10, level)
    assert found.value == pytest.approx(np.mean([figure(np.ones((1, 10)))[0] for figure in figures]))
    assert 0.5 < found.low < found.value < found.high < 1
    assert found.value - found.low > found.high - found.value


def test_the_log_odds_of_a_share_have_the_interval_of_their_jackknife():
    """One seed and equal clusters, by hand: log odds without each cluster, then Student's interval."""
    hits, size = np.array([3.0, 4, 4, 2, 3, 4, 3, 4]), 5.0
    found = fraction_estimate([lambda w: (w @ hits) / (w @ np.full(8, size))], 8, 0.95)

    def odds(share):
        return np.log(share / (1 - share))

    without = np.array([odds((hits.sum() - h) / (size * 7)) for h in hits])
    pseudo = 8 * odds(hits.sum() / 40) - 7 * without
    reach = stats.t.ppf(0.975, 7) * pseudo.std(ddof=1) / np.sqrt(8)
    ends = [odds(hits.sum() / 40) - reach, odds(hits.sum() / 40) + reach]
    assert [found.low, found.high] == pytest.approx([1 / (1 + np.exp(-end)) for end in ends])


@pytest.mark.parametrize("hits", [np.zeros(6), np.full(6, 5.0), np.array([5.0, 5, 5, 5, 5, 3])])
def test_a_share_at_its_end_is_cut_there(hits):
    """All right but in one cluster: without that one the odds are not finite."""
    found = fraction_estimate([lambda w: (w @ hits) / (w @ np.full(6, 5.0))], 6, 0.95)
    assert 0 <= found.low <= found.value <= found.high <= 1
