"""Agreement of two maps, beside scipy and by hand."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from tasks.functional.map_agreement import spearman, top_count, top_overlap

GENERATOR = np.random.default_rng(0)


@pytest.mark.parametrize("levels", [None, 3])
def test_rank_correlation_is_that_of_scipy_with_ties(levels):
    one, other = GENERATOR.normal(size=(2, 60))
    if levels:
        one, other = np.round(one * levels), np.round(other * levels)
    assert spearman(one, other) == pytest.approx(spearmanr(one, other).statistic, abs=1e-12)
    assert spearman(one, one) == pytest.approx(1)
    assert spearman(one, -one) == pytest.approx(-1)


def test_a_constant_map_and_a_single_tile_agree_with_nothing():
    assert np.isnan(spearman(np.zeros(5), np.arange(5.0)))
    assert np.isnan(spearman(np.zeros(1), np.ones(1)))


def test_overlap_is_counted_by_hand():
    one = np.arange(20.0)
    assert top_overlap(one, one) == 1
    assert top_overlap(one, -one) == 0
    other = one.copy()
    other[0], other[19] = 19.0, 0.0
    assert top_overlap(one, other) == 0.5
    assert [top_count(n) for n in (1, 4, 20, 37)] == [1, 1, 2, 4]


def test_ties_count_as_often_as_chance_takes_them():
    assert top_overlap(np.zeros(20), np.zeros(20)) == pytest.approx(0.1)
    one = np.array([3.0, 1.0, 1.0, 0.0])
    assert top_overlap(one, np.array([3.0, 1.0, 0.0, 0.0]), 0.5) == pytest.approx(0.75)


def test_maps_that_know_nothing_of_each_other_share_the_fraction():
    found = [top_overlap(*GENERATOR.normal(size=(2, 100))) for _ in range(400)]
    assert np.mean(found) == pytest.approx(0.1, abs=0.015)
