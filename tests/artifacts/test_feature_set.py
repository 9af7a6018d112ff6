"""Features come back as they were written, with the geometry of their tiles."""

import numpy as np
import pytest

from tasks.artifacts.feature_set import FeatureSet, write_features
from tests._support.feature_sets import DIM, make_feature_set


def test_features_come_back_in_any_order(tmp_path):
    made = make_feature_set(tmp_path, "s", "p", "train", "tumour", tiles=7)
    assert made.features().shape == (7, DIM)
    assert made.features().dtype == np.float32
    chosen = np.array([5, 0, 3])
    np.testing.assert_array_equal(made.features(chosen), made.features()[chosen])
    assert made.tile_ids == made.table["tile_id"].tolist()


def test_places_are_the_centres_of_tiles_in_micrometres(tmp_path):
    made = make_feature_set(tmp_path, "s", "p", "train", "normal", tiles=7)
    about = made.about()
    assert about[6, :2].tolist() == [(128 + 64) * 0.25, (128 + 64) * 0.25]
    np.testing.assert_allclose(about[:, 2], made.table["darkness"], rtol=1e-6)
    np.testing.assert_allclose(about[:, 3], made.table["tissue_fraction"], rtol=1e-6)


def test_labels_that_are_no_class_are_not_known(tmp_path):
    made = make_feature_set(tmp_path, "s", "p", "train", "tumour", tiles=8)
    assert sorted(made.labels(("normal", "tumour"))) == [0] * 6 + [1] * 2
    assert sorted(made.labels(("other", "tumour"))) == [-1] * 6 + [1] * 2


@pytest.mark.parametrize(("dtype", "error"), [("float16", 2e-3), ("float32", 0)])
def test_half_precision_keeps_three_digits(tmp_path, dtype, error):
    made = make_feature_set(tmp_path / "a", "s", "p", "train", "tumour")
    (tmp_path / "b").mkdir()
    write_features(tmp_path / "b", made.features(), made.table, made.facts, dtype)
    np.testing.assert_allclose(FeatureSet(tmp_path / "b").features(), made.features(), atol=error, rtol=error)


def test_features_that_do_not_fit_or_overflow_are_refused(tmp_path):
    made = make_feature_set(tmp_path / "a", "s", "p", "train", "tumour")
    with pytest.raises(ValueError, match=r"do not fit 12 tiles of 6 features"):
        write_features(tmp_path, made.features()[:5], made.table, made.facts, "float32")
    large = made.features()
    large[4, 2] = 1e6
    with pytest.raises(
        ValueError, match=r"the features of 1 of 12 tiles are not finite in float16, first of s/512_0"
    ):
        write_features(tmp_path, large, made.table, made.facts, "float16")
