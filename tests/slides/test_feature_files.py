import h5py
import numpy as np
import pytest

from tasks.slides.errors import SlideError
from tasks.slides.feature_files import read_feature_file
from tests._support.foreign_features import (
    CORNERS,
    DIM,
    FEATURES,
    MPP,
    write_clam,
    write_stamp,
    write_trident,
)


def test_each_layout_is_told_by_its_attributes(tmp_path):
    trident = read_feature_file(write_trident(tmp_path / "t.h5"))
    clam = read_feature_file(write_clam(tmp_path)[0])
    stamp = read_feature_file(write_stamp(tmp_path / "s.h5"))
    for file, producer, encoder, dtype in (
        (trident, "trident", "uni_v1", "float32"),
        (clam, "clam", "", "float32"),
        (stamp, "stamp", "virchow2", "float16"),
    ):
        assert (file.producer, file.encoder, file.dtype, file.dim) == (producer, encoder, dtype, DIM)
        np.testing.assert_array_equal(file.corners_level0(MPP, MPP), CORNERS)
    assert (trident.side, trident.tile_px, trident.level0_mpp, trident.slide_size) == (
        512,
        256,
        0.25,
        (2048, 1600),
    )
    assert (clam.side, clam.level0_mpp, clam.slide_size) == (None, None, None)
    assert (stamp.side, stamp.side_level0(MPP), stamp.tile_px, stamp.level0_mpp) == (128.0, 512.0, 256, None)


def test_a_word_for_nothing_is_nothing(tmp_path):
    path = write_trident(tmp_path / "t.h5", {"target_magnification": "None", "level0_width": None})
    with h5py.File(path, "a") as file:
        file["features"].attrs["encoder"] = "None"
    found = read_feature_file(path)
    assert (found.encoder, found.level0_mpp, found.slide_size) == ("", None, None)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"stamp_version": "2.0.3"}, "written by STAMP 2.0.3; versions 2.1 to 2.5 are understood"),
        ({"stamp_version": "2.6.0"}, "written by STAMP 2.6.0"),
        ({"stamp_version": "dev"}, "written by STAMP dev"),
        ({"unit": "px"}, "unit is 'px', 'um' is needed"),
        ({"unit": None}, "unit is None"),
        ({"feat_type": "slide"}, "feat_type is 'slide', 'tile' is needed"),
        ({"tile_size_um": None}, "tile_size_um is None, a number above 0"),
        ({"tile_size_um": -1.0}, r"tile_size_um is -1\.0"),
    ],
)
def test_files_of_stamp_whose_numbers_could_mean_something_else_are_refused(tmp_path, changed, said):
    with pytest.raises(SlideError, match=said):
        read_feature_file(write_stamp(tmp_path / "s.h5", changed))


@pytest.mark.parametrize(
    ("coords", "features", "said"),
    [
        (CORNERS[:3], FEATURES, "there are 4 features and 3 coordinates"),
        (CORNERS, FEATURES[None], r"'features' is float32 \[1, 4, 6\]; floats \[N, D\]"),
        (CORNERS, FEATURES.astype(int), "'features' is int64"),
        (CORNERS.ravel(), FEATURES, r"'coords' is int64 \[8\]"),
        (CORNERS[[0, 1, 2, 1]], FEATURES, "1 of 3 coordinates stand twice"),
        (CORNERS - 1, FEATURES, "not below 0"),
        (np.full((4, 2), np.nan), FEATURES, "must be finite"),
        (CORNERS[:0], FEATURES[:0], "there are 0 features"),
    ],
)
def test_features_and_coordinates_that_do_not_fit_are_refused(tmp_path, coords, features, said):
    with pytest.raises(SlideError, match=said):
        read_feature_file(write_trident(tmp_path / "t.h5", coords=coords, features=features))


def test_features_without_coordinates_are_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["features"] = FEATURES
    with pytest.raises(SlideError, match=r"no data set 'coords', only \['features'\]"):
        read_feature_file(tmp_path / "a.h5")
    with pytest.raises(SlideError, match=r"a \.pt file holds features without coordinates"):
        read_feature_file(tmp_path / "a.pt")
    (tmp_path / "b.h5").write_text("text")
    with pytest.raises(SlideError, match="no HDF5"):
        read_feature_file(tmp_path / "b.h5")
