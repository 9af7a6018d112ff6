"""The slope that the benchmark of scale reports: 1 where each slide costs the same, beside a start."""

import math

import pytest

from benchmarks.scale import exponent


def test_a_start_and_an_equal_cost_per_slide_are_linear():
    slides = [10, 30, 100, 300, 1000]
    assert exponent(slides, [20 + 0.5 * n for n in slides]) == pytest.approx(1, abs=1e-6)


def test_a_cost_that_grows_with_the_square_is_told():
    slides = [10, 30, 100, 300, 1000]
    assert exponent(slides, [20 + 0.01 * n * n for n in slides]) > 1.6


def test_two_cohorts_say_nothing():
    assert math.isnan(exponent([10, 30], [1.0, 3.0]))
