import numpy as np
import pytest

from tasks.reporting.drawing.colour import (
    colour_limit,
    common_end,
    greyed,
    paint_attribution,
    paint_probability,
)

PURPLE = np.full((1, 5, 3), (140, 60, 150), np.uint8)


def test_the_limit_is_the_median_of_the_percentiles_of_the_maps_and_ignores_nan():
    one = np.array([[-4.0, np.nan]], np.float32)
    two = np.array([[1.0, 2.0]], np.float32)
    assert colour_limit([two], 60) == pytest.approx(np.percentile([1, 2], 60))
    assert colour_limit([one, two], 100) == 4.0
    assert colour_limit([one, two, two], 100) == 2.0
    assert colour_limit([np.zeros((2, 2), np.float32)], 99) == 1.0


def test_one_model_gone_wild_blanks_no_other_and_a_dead_one_does_not_count():
    assert common_end([0.03, 900.0, 0.02]) == 0.03
    assert common_end([0.03, 0.02, 0.0, 0.0]) == 0.03
    assert common_end([0.0]) == common_end([]) == 1.0


def test_what_is_bare_does_not_lower_the_limit():
    lesion = np.zeros((100, 100), np.float32)
    lesion[0, :5] = 3.0
    assert colour_limit([lesion], 99) == 3.0


def test_zero_and_nan_show_grey_tissue_and_signs_show_opposite_colours():
    values = np.array([[0.0, np.nan, 2.0, -2.0, 9.0]], np.float32)
    shown = paint_attribution(PURPLE, values, limit=2.0, opacity=0.8, signed=True).astype(int)
    grey = greyed(PURPLE)[0, 0]
    np.testing.assert_array_equal(shown[0, 0], grey)
    np.testing.assert_array_equal(shown[0, 1], grey)
    assert shown[0, 2, 0] > shown[0, 2, 2] + 40
    assert shown[0, 3, 2] > shown[0, 3, 0] + 40
    np.testing.assert_array_equal(shown[0, 4], shown[0, 2])


def test_the_tissue_keeps_no_hue_that_could_be_read_as_a_value():
    grey = greyed(PURPLE)
    assert (grey.max(axis=2) == grey.min(axis=2)).all()


def test_magnitudes_grow_from_zero():
    values = np.array([[0.0, 0.5, 1.0, 1.0, 1.0]], np.float32)
    shown = paint_attribution(PURPLE, values, limit=1.0, opacity=1.0, signed=False).astype(int)
    light = shown.sum(axis=2)[0]
    assert light[0] > light[1] > light[2]


def test_probabilities_use_a_fixed_scale_and_leave_bare_what_no_tile_covers():
    values = np.array([[0.0, 1.0, np.nan, 0.5, 0.5]], np.float32)
    shown = paint_probability(PURPLE, values, opacity=1.0)
    np.testing.assert_array_equal(shown[0, 0], [68, 1, 84])
    np.testing.assert_array_equal(shown[0, 1], [253, 231, 37])
    np.testing.assert_array_equal(shown[0, 2], greyed(PURPLE)[0, 2])
