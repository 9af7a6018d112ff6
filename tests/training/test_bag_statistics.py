"""Statistics of features in one pass are those of all tiles together."""

import numpy as np

from tasks.training.bag_statistics import TILES_PER_SLIDE, feature_statistics
from tasks.training.bags import FeatureStore
from tests._support.feature_sets import DIM, make_bag_cohort, make_feature_set


def test_they_are_those_of_all_tiles_together(tmp_path):
    sets = make_bag_cohort(tmp_path, 8)
    mean, std = feature_statistics(FeatureStore(sets, 0))
    rows = np.concatenate([each.features() for each in sets]).astype(np.float64)
    np.testing.assert_allclose(mean, rows.mean(0), atol=1e-6)
    np.testing.assert_allclose(std, rows.std(0), rtol=1e-6)


def test_a_large_slide_is_represented_by_some_tiles_and_counts_by_all(tmp_path):
    large = make_feature_set(tmp_path / "l", "l", "p", "train", "tumour", tiles=4 * TILES_PER_SLIDE)
    small = make_feature_set(tmp_path / "s", "s", "q", "train", "normal", tiles=5)
    mean, _ = feature_statistics(FeatureStore([large, small], 0))
    rows = np.concatenate([each.features() for each in (large, small)])
    np.testing.assert_allclose(mean, rows.mean(0), atol=0.3)
    assert np.abs(mean - small.features().mean(0)).max() > 0.3


def test_a_constant_feature_keeps_a_finite_scale(tmp_path):
    one = make_feature_set(tmp_path / "c", "c", "p", "train", "normal")
    features = one.features()
    features[:, 1] = 7
    np.save(one.folder / "features.npy", features)
    mean, std = feature_statistics(FeatureStore([one], 0))
    assert (mean[1], std[1]) == (7, 1)
    assert len(std) == DIM
