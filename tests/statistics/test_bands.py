"""A band is the interval of a mean at every point."""

import numpy as np
import pandas as pd
import pytest

from tasks.statistics.bands import Band, curve_sums, mean_band
from tasks.statistics.cells import mean_estimate
from tasks.statistics.clusters import Clusters, choose_clusters
from tasks.statistics.two_way import StatisticsError

SETTINGS = 0.95
UNITS, SLIDES = 24, 6


def slides(count=SLIDES):
    table = pd.DataFrame({"patient_id": "p", "slide_id": [f"s{n % count}" for n in range(UNITS)]})
    return choose_clusters(table.assign(section=0))


def band_of(curves: np.ndarray, clusters: Clusters) -> Band:
    return mean_band(curve_sums(iter(curves), clusters), clusters, SETTINGS)


@pytest.fixture
def curves():
    return np.random.default_rng(0).normal(size=(2, UNITS, 4))


def test_every_point_has_the_interval_that_its_values_have(curves):
    band = band_of(curves, slides())
    for point in range(4):
        wanted = mean_estimate(curves[:, :, point], slides().codes, SETTINGS)
        found = (band.mean[point], band.low[point], band.high[point])
        assert found == pytest.approx((wanted.value, wanted.low, wanted.high))


def test_a_curve_with_a_gap_counts_at_no_point(curves):
    broken = curves.copy()
    broken[0, 3, 2] = np.nan
    whole = curves.copy()
    whole[0, 3] = np.nan
    one, other = band_of(broken, slides()), band_of(whole, slides())
    np.testing.assert_array_equal(one.low, other.low)
    np.testing.assert_allclose(one.mean, np.nanmean(whole, axis=1).mean(axis=0))


def test_below_five_clusters_there_is_a_mean_and_no_band(curves):
    band = band_of(curves, slides(4))
    np.testing.assert_allclose(band.mean, curves.mean(axis=(0, 1)))
    assert np.isnan(band.low).all()
    assert np.isnan(band.high).all()


def test_clusters_without_a_curve_are_not_counted(curves):
    """Of six slides four hold a curve: too few, whatever the others would have been."""
    curves[:, slides().codes >= 4] = np.nan
    assert np.isnan(band_of(curves, slides()).low).all()


def test_no_curve_at_all_is_said(curves):
    with pytest.raises(StatisticsError, match="no unit has a curve"):
        band_of(np.full_like(curves, np.nan), slides())


def test_seeds_are_taken_one_after_the_other_and_counted_whole(curves):
    curves[0, 3, 2], curves[1, :5] = np.nan, np.nan
    added = curve_sums(iter(curves), slides())
    assert added.units == 23 + 19
    assert added.counts.sum(axis=1).tolist() == [23, 19]
    known = np.isfinite(curves).all(axis=2)
    for seed, cluster in np.ndindex(2, SLIDES):
        own = curves[seed][known[seed] & (slides().codes == cluster)]
        np.testing.assert_allclose(added.sums[seed, cluster], own.sum(axis=0))
