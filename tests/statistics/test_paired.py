"""Paired differences of arms."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tasks.statistics.paired import paired_difference, paired_units
from tasks.statistics.two_way import StatisticsError


def test_pairing_removes_what_units_have_in_common():
    generator = np.random.default_rng(0)
    common = 100 * generator.normal(size=60)
    control = np.stack([common + generator.normal(size=60) * 0.1 for _ in range(3)])
    treated = control + 1.0 + generator.normal(size=(3, 60)) * 0.1
    found = paired_difference(treated, control, np.arange(60) // 5, 0.95)
    assert found.estimate.value == pytest.approx(1.0, abs=0.05)
    assert found.estimate.high - found.estimate.low < 0.2
    assert (found.clusters, found.seeds) == (12, 3)
    assert found.estimate.p() < 1e-4


def test_one_seed_and_single_units_are_scipys_paired_t_test():
    generator = np.random.default_rng(1)
    treated, control = generator.normal(0.4, 1, 20), generator.normal(size=20)
    found = paired_difference(treated, control, np.arange(20), 0.95).estimate
    assert found.p() == pytest.approx(stats.ttest_rel(treated, control).pvalue)


def test_no_difference_anywhere_has_no_test():
    values = np.random.default_rng(1).normal(size=(2, 40))
    found = paired_difference(values, values, np.arange(40) // 4, 0.95).estimate
    assert found.value == found.low == found.high == 0.0
    assert np.isnan(found.p())


def test_pairs_without_a_score_on_either_side_count_nowhere():
    treated, control = np.array([2.0, np.nan, 5.0, 1.0]), np.array([1.0, 1.0, np.nan, 1.0])
    found = paired_difference(treated, control, np.array([0, 1, 2, 3]), 0.95)
    assert found.estimate.value == 0.5
    assert found.clusters == 2


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_false_alarms_stay_below_the_level_though_every_training_differs(seeds):
    """Seeds differ three times as much as patients do, as was measured; no arm is better."""
    generator, codes, alarms = np.random.default_rng(2), np.repeat(np.arange(10), 3), 0
    for _ in range(800):
        seed, cluster = generator.normal(0, 0.045, (seeds, 1)), generator.normal(0, 0.014, 10)[codes]
        treated = seed + cluster + generator.normal(0, 0.03, (seeds, 30))
        alarms += paired_difference(treated, np.zeros((seeds, 30)), codes, 0.95).estimate.p() < 0.05
    assert alarms / 800 <= 0.07


def test_arms_of_different_shapes_are_refused():
    with pytest.raises(StatisticsError, match="pairs need equal ones"):
        paired_difference(np.zeros((2, 3)), np.zeros((3, 3)), np.arange(3), 0.95)


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0]])
def test_units_are_paired_by_name_in_the_order_of_the_first(order):
    own = pd.DataFrame({"unit_id": ["a", "b", "c"], "value": [1.0, 2.0, 3.0], "patient_id": ["p", "q", "r"]})
    other = own.assign(value=[0.5, 0.5, 1.0]).iloc[order]
    found = paired_units(own, other)
    assert found["unit_id"].tolist() == [own["unit_id"][i] for i in sorted(order)]
    assert found["value"].tolist() == [[0.5, 1.5, 2.0][i] for i in sorted(order)]
    assert own["value"].tolist() == [1.0, 2.0, 3.0]
