"""Holm's correction."""

import numpy as np
import pytest

from tasks.statistics.holm import holm


def test_a_family_worked_by_hand():
    """0.01 x 4, 0.02 x 3, then 0.03 x 2 raised to the one before it, then 0.04 x 1 likewise."""
    assert holm([0.04, 0.01, 0.03, 0.02]).tolist() == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_order_is_kept_and_values_end_at_one():
    assert holm([0.9, 0.5, 0.001]).tolist() == pytest.approx([1.0, 1.0, 0.003])


def test_parts_without_a_test_count_for_nothing():
    corrected = holm([np.nan, 0.02, np.nan, 0.03])
    assert np.isnan(corrected[[0, 2]]).all()
    assert corrected[[1, 3]].tolist() == pytest.approx([0.04, 0.04])


def test_an_empty_family():
    assert holm([]).tolist() == []


def test_never_below_the_raw_value_nor_above_bonferroni():
    raw = np.random.default_rng(0).uniform(size=50)
    corrected = holm(raw)
    assert (corrected >= raw).all()
    assert (corrected <= np.minimum(1, raw * 50) + 1e-12).all()
