"""The share that maps miss of what they should sum to."""

import numpy as np
import pytest

from tasks.functional.completeness import INCOMPLETE, completeness_note, missed_fraction


def test_the_share_is_of_the_promised_sums_together():
    """Promised 2, -1 and 1; missed 0.5, 0.5 and 0: a quarter."""
    assert missed_fraction(np.array([0.5, -0.5, 0.0]), np.array([2.5, -1.5, 1.0])) == pytest.approx(0.25)


def test_what_was_not_measured_does_not_count():
    errors, sums = np.array([np.nan, 1.0]), np.array([7.0, 3.0])
    assert missed_fraction(errors, sums) == pytest.approx(0.5)
    assert np.isnan(missed_fraction(errors[:1], sums[:1]))
    assert completeness_note(errors[:1], sums[:1]) == ()


def test_maps_of_something_where_nothing_was_promised():
    assert missed_fraction(np.array([0.5]), np.array([0.5])) == np.inf
    assert missed_fraction(np.zeros(2), np.zeros(2)) == 0


@pytest.mark.parametrize(("share", "said"), [(INCOMPLETE - 0.01, False), (INCOMPLETE + 0.01, True)])
def test_it_is_said_above_the_stated_share(share, said):
    note = completeness_note(np.array([share]), np.array([1 + share]))
    assert bool(note) is said
    if said:
        assert "incomplete" in note[0]
        assert "miss 11%" in note[0]
