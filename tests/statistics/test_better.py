"""Where an explainer stands to a control."""

import math

import numpy as np
import pytest

from tasks.statistics.better import AHEAD, BEHIND, NOT_TOLD_APART, better, flag_of, lead
from tasks.statistics.cells import mean_estimate


@pytest.mark.parametrize(
    ("one", "other", "direction", "is_better"),
    [(1, 0, "higher", True), (1, 0, "lower", False), (0, 1, "lower", True), (1, 0, "none", False)],
)
def test_better(one, other, direction, is_better):
    assert better(one, other, direction) is is_better


@pytest.mark.parametrize(
    ("low", "high", "direction", "stands"),
    [
        (0.1, 0.3, "higher", AHEAD),
        (-0.3, -0.1, "higher", BEHIND),
        (-0.1, 0.3, "higher", NOT_TOLD_APART),
        (-0.3, -0.1, "lower", AHEAD),
        (0.1, 0.3, "lower", BEHIND),
        (math.nan, math.nan, "higher", NOT_TOLD_APART),
    ],
)
def test_standing_follows_the_interval(low, high, direction, stands):
    assert lead(low, high, direction) == stands


def test_being_behind_one_of_many_needs_the_corrected_test():
    assert lead(-0.3, -0.1, "higher", is_significant=False) == NOT_TOLD_APART
    assert lead(0.1, 0.3, "higher", is_significant=False) == AHEAD


def test_a_flag_names_the_controls_and_how_they_stand():
    assert flag_of({"a": AHEAD, "b": AHEAD}) == ""
    assert flag_of({"a": BEHIND, "b": AHEAD, "c": NOT_TOLD_APART}) == "behind a; not told apart from c"


def test_against_nine_equal_controls_being_behind_is_rare():
    """A comparison of means would call 9 of 10 such scores beaten; a true equal is behind 1 time in 20."""
    from tasks.statistics.holm import holm

    generator, beaten, said = np.random.default_rng(0), 0, 0
    for _ in range(400):
        own, controls = generator.normal(size=20), generator.normal(size=(9, 20))
        found = [mean_estimate(own - control, np.arange(20), 0.95) for control in controls]
        significant = holm([one.p() for one in found]) < 0.05
        stands = [lead(e.low, e.high, "higher", bool(s)) for e, s in zip(found, significant, strict=True)]
        said += BEHIND in stands
        beaten += bool((controls.mean(axis=1) >= own.mean()).any())
    assert beaten / 400 > 0.8
    assert said / 400 < 0.08
