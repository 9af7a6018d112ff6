"""Paired differences of arms."""

import numpy as np
import pytest
from scipy import stats

from tasks.statistics.bootstrap import BootstrapError, BootstrapSettings
from tasks.statistics.paired import paired_difference, sign_flip_p

SETTINGS = BootstrapSettings(draws=4_000)


def test_the_sign_flip_test_is_exact_for_few_clusters():
    """All five totals positive: only the pattern and its mirror are as extreme, 2 of 32."""
    p, smallest = sign_flip_p(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), SETTINGS)
    assert p == pytest.approx(2 / 32)
    assert smallest == pytest.approx(2 / 32)


def test_the_sign_flip_test_agrees_with_scipys_wilcoxon_on_ranks():
    """On totals that are signed ranks the two tests have the same statistic."""
    totals = np.array([1, -2, 3, 4, -5, 6, 7, 8], dtype=float)
    p, _ = sign_flip_p(totals, SETTINGS)
    assert p == pytest.approx(stats.wilcoxon(totals, method="exact").pvalue)


def test_many_clusters_are_drawn_and_the_smallest_p_says_so():
    p, smallest = sign_flip_p(np.ones(30), SETTINGS)
    assert smallest == pytest.approx(2 / 4001)
    assert p == pytest.approx(smallest)


def test_pairing_removes_what_units_have_in_common():
    generator = np.random.default_rng(0)
    common = 100 * generator.normal(size=60)
    control = np.stack([common + generator.normal(size=60) * 0.1 for _ in range(3)])
    found = paired_difference(control + 1.0, control, np.arange(60) // 5, SETTINGS)
    assert found.interval.estimate == pytest.approx(1.0)
    assert found.interval.low == pytest.approx(1.0)
    assert (found.clusters, found.seeds) == (12, 3)
    assert found.p == pytest.approx(found.smallest_p)


def test_five_clusters_can_never_reach_the_usual_level():
    codes = np.repeat(np.arange(5), 4)
    found = paired_difference(np.ones(20), np.zeros(20), codes, SETTINGS)
    assert found.p == found.smallest_p == pytest.approx(0.0625)


def test_no_difference_gives_a_p_of_one():
    values = np.random.default_rng(1).normal(size=(2, 40))
    found = paired_difference(values, values, np.arange(40) // 4, SETTINGS)
    assert found.p == 1.0
    assert found.interval.estimate == found.detectable == 0.0


def test_pairs_without_a_score_on_either_side_count_nowhere():
    treated, control = np.array([2.0, np.nan, 5.0, 1.0]), np.array([1.0, 1.0, np.nan, 1.0])
    found = paired_difference(treated, control, np.array([0, 1, 2, 3]), SETTINGS)
    assert found.interval.estimate == 0.5
    assert found.clusters == 2


def test_false_alarms_stay_below_the_level():
    generator = np.random.default_rng(2)
    codes = np.repeat(np.arange(10), 3)
    alarms = 0
    for trial in range(200):
        cluster, unit = generator.normal(size=10)[codes], generator.normal(size=(2, 30))
        settings = BootstrapSettings(draws=1_000, seed=trial)
        alarms += paired_difference(cluster + unit, np.zeros((2, 30)), codes, settings).p < 0.05
    assert alarms / 200 <= 0.08


def test_the_detectable_difference_is_found_about_as_often_as_it_says():
    generator = np.random.default_rng(3)
    codes, found, sizes = np.arange(40), 0, []
    for trial in range(150):
        noise = generator.normal(size=40)
        settings = BootstrapSettings(draws=1_000, seed=trial)
        # The true standard error of a mean of 40 is known; 2.80 = 1.96 + 0.84 of it has a power of 0.8.
        difference = paired_difference(noise + 2.8 / np.sqrt(40), np.zeros(40), codes, settings)
        found += difference.p < 0.05
        sizes.append(difference.detectable)
    assert np.mean(sizes) == pytest.approx(2.8 / np.sqrt(40), rel=0.06)
    assert 0.68 <= found / 150 <= 0.9


def test_arms_of_different_shapes_are_refused():
    with pytest.raises(BootstrapError, match="pairs need equal ones"):
        paired_difference(np.zeros((2, 3)), np.zeros((3, 3)), np.arange(3), SETTINGS)


@pytest.mark.parametrize("clusters", [2, 6, 9, 15])
def test_p_is_scipys_with_sign_patterns_that_are_kept(clusters):
    """Six clusters have 64 patterns, all looked at; fifteen have more than 4000, so these are drawn."""
    generator = np.random.default_rng(clusters)
    drawn = generator.normal(size=clusters)
    for totals in (drawn, drawn + 0.7, np.full(clusters, 0.1), np.round(drawn)):
        known = stats.permutation_test(
            (totals,),
            lambda flipped, axis: flipped.sum(axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=np.inf if 2**clusters <= SETTINGS.draws else SETTINGS.draws,
            rng=np.random.default_rng(SETTINGS.seed),
        )
        assert sign_flip_p(totals, SETTINGS)[0] == min(1.0, known.pvalue)


def test_one_cluster_has_no_test():
    assert sign_flip_p(np.array([3.0]), SETTINGS) == (1.0, 1.0)
