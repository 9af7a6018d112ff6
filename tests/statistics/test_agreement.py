"""Rank agreement: worked by hand, against scipy, and with intervals that are those of a mean."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tasks.statistics.agreement import kendall, rank_agreement
from tasks.statistics.cells import mean_estimate
from tasks.statistics.clusters import choose_clusters
from tasks.statistics.two_way import StatisticsError

SETTINGS = 0.95


def slides(units, count):
    table = pd.DataFrame({"patient_id": "p", "slide_id": [f"s{n % count}" for n in range(units)]})
    return choose_clusters(table.assign(section=0))


def test_four_maps_worked_by_hand():
    """Of six pairs of maps five are in order and one, the third and the fourth, is turned: (5 - 1) / 6."""
    values = np.array([[[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 4.0, 3.0], [4.0, 3.0, 2.0, 1.0]]])
    np.testing.assert_allclose(kendall(values)[0, 0], [1, 4 / 6, -1])
    np.testing.assert_allclose(kendall(values)[0], kendall(values)[0].T)


def test_ties_agree_with_scipy():
    values = np.random.default_rng(0).integers(0, 4, size=(20, 3, 7)).astype(float)
    found = kendall(values)
    for unit, one, other in np.ndindex(20, 3, 3):
        wanted = stats.kendalltau(values[unit, one], values[unit, other]).statistic
        assert found[unit, one, other] == pytest.approx(wanted)


def test_a_map_without_a_score_counts_in_no_pair():
    values = np.random.default_rng(1).normal(size=(1, 2, 6))
    values[0, 0, 2] = np.nan
    values[0, 1, 4] = np.nan
    common = [0, 1, 3, 5]
    wanted = stats.kendalltau(values[0, 0, common], values[0, 1, common]).statistic
    assert kendall(values)[0, 0, 1] == pytest.approx(wanted)


def test_constant_scores_and_lone_maps_have_no_agreement_instead_of_none():
    constant = np.array([[[1.0, 1.0, 1.0], [1.0, 2.0, 3.0]]])
    assert np.isnan(kendall(constant)[0, 0, 1])
    lone = np.array([[[1.0, np.nan, np.nan], [1.0, 2.0, 3.0]]])
    assert np.isnan(kendall(lone)[0, 0, 1])


def test_the_mean_and_its_interval_are_those_of_the_taus():
    values = np.random.default_rng(2).normal(size=(2, 30, 2, 5))
    clusters = slides(30, 6)
    found = rank_agreement([(0, values[0]), (1, values[1])], 2, clusters, SETTINGS)
    taus = np.stack([kendall(block)[:, 0, 1] for block in values])
    wanted = mean_estimate(taus, clusters.codes, SETTINGS)
    assert found.tau[0, 1] == found.tau[1, 0] == pytest.approx(wanted.value)
    assert (found.low[0, 1], found.high[0, 1]) == pytest.approx((wanted.low, wanted.high))
    assert (found.taus[0, 1], found.clusters[0, 1]) == (60, 6)
    assert found.tau[0, 0] == pytest.approx(1)
    assert found.low[0, 0] == pytest.approx(1)


def test_arms_of_one_seed_weigh_alike():
    same = np.tile([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], (8, 1, 1))
    turned = np.tile([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]], (8, 1, 1))
    found = rank_agreement([(0, same), (0, turned), (0, same)], 1, slides(8, 8), SETTINGS)
    assert found.tau[0, 1] == pytest.approx(1 / 3)


def test_scores_that_share_too_few_clusters_have_a_mean_and_no_interval():
    values = np.random.default_rng(3).normal(size=(12, 3, 5))
    values[4:, 2] = np.nan
    found = rank_agreement([(0, values)], 1, slides(12, 12), SETTINGS)
    assert (found.clusters[0, 1], found.clusters[0, 2]) == (12, 4)
    assert found.low[0, 1] < found.tau[0, 1] < found.high[0, 1]
    assert np.isfinite(found.tau[0, 2])
    assert np.isnan(found.low[0, 2])


def test_scores_that_share_no_unit_have_no_agreement():
    values = np.random.default_rng(4).normal(size=(10, 2, 4))
    values[:5, 0], values[5:, 1] = np.nan, np.nan
    found = rank_agreement([(0, values)], 1, slides(10, 5), SETTINGS)
    assert np.isnan(found.tau[0, 1])
    assert found.taus[0, 1] == 0


def test_a_seed_without_a_tau_is_no_draw():
    values = np.random.default_rng(5).normal(size=(10, 2, 4))
    lone = rank_agreement([(0, values)], 1, slides(10, 5), SETTINGS)
    beside = rank_agreement([(0, values), (1, np.full_like(values, np.nan))], 2, slides(10, 5), SETTINGS)
    np.testing.assert_allclose(beside.low, lone.low)
    np.testing.assert_allclose(beside.tau, lone.tau)


def test_nothing_to_set_side_by_side_is_said():
    with pytest.raises(StatisticsError, match="nothing can agree"):
        rank_agreement([], 1, slides(10, 5), SETTINGS)
