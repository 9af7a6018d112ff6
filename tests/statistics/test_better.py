"""Whose figure counts, and what takes the evidence away."""

import pytest

from tasks.statistics.better import better, equals_or_beats, flag_of

NAN = float("nan")


@pytest.mark.parametrize(
    ("control", "value", "direction", "reaches"),
    [
        (1.0, 1.0, "higher", True),
        (2.0, 1.0, "higher", True),
        (0.5, 1.0, "higher", False),
        (0.5, 1.0, "lower", True),
        (1.0, 1.0, "lower", True),
        (2.0, 1.0, "lower", False),
        (2.0, 1.0, "none", False),
        (NAN, 1.0, "higher", False),
        (NAN, 1.0, "lower", False),
        (1.0, NAN, "higher", False),
        (NAN, NAN, "lower", False),
    ],
)
def test_only_numbers_reach_numbers(control, value, direction, reaches):
    assert equals_or_beats(control, value, direction) is reaches


def test_better_is_strict_and_needs_a_direction():
    assert better(2.0, 1.0, "higher")
    assert better(1.0, 2.0, "lower")
    assert not better(1.0, 1.0, "higher")
    assert not better(2.0, 1.0, "none")


def test_nobody_takes_nothing_away():
    assert flag_of([]) == ""
    assert flag_of(["a", "b"]) == "not informative here: a, b does as well or better"
