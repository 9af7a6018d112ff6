"""Downsampled maps hold means of finite values, computed one pixel of all squares at a time."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tasks.reporting.maps.mean_downsample import mean_downsample


def test_pixels_are_means_of_finite_values():
    values = np.array([[1, 2, np.nan], [3, 6, np.nan], [np.nan, 5, 7]], np.float32)
    found = mean_downsample(values, 2)
    assert found[0].tolist()[0] == 3.0
    assert np.isnan(found[0, 1])
    assert found[1].tolist() == [5.0, 7.0]
    assert mean_downsample(values, 1) is values


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_any_factor_agrees_with_the_plain_mean_of_every_square(factor):
    values = np.random.default_rng(0).normal(size=(11, 17)).astype(np.float32)
    values[values > 1.0] = np.nan
    values[:6, :6] = np.nan
    found = mean_downsample(values, factor)
    assert found.shape == (-(-11 // factor), -(-17 // factor))
    for (row, column), value in np.ndenumerate(found):
        square = values[row * factor : (row + 1) * factor, column * factor : (column + 1) * factor]
        known = square[np.isfinite(square)].astype(np.float64)
        assert_allclose(value, known.mean() if known.size else np.nan, rtol=1e-6)
