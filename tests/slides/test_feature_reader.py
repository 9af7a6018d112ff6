import pytest

from tasks.slides.errors import SlideError
from tasks.slides.feature_reader import open_feature_file
from tasks.slides.resolution import MppOverride
from tests._support.foreign_features import MPP, write_clam, write_stamp, write_trident


def test_the_geometry_is_that_of_the_slide(tmp_path):
    with open_feature_file(write_trident(tmp_path / "t.h5"), None, 100) as slide:
        geometry = slide.geometry
    assert (geometry.width_level0, geometry.height_level0, geometry.mpp) == (2048, 1600, 0.25)
    assert geometry.mpp_source == "metadata"
    for path in (write_stamp(tmp_path / "s.h5"), write_clam(tmp_path)[0]):
        with open_feature_file(path, MPP, 100) as slide:
            assert (slide.geometry.width_level0, slide.geometry.height_level0) == (1536, 1536)
            assert slide.geometry.mpp_source == "manifest"


def test_there_is_a_white_picture_and_no_pixel(tmp_path):
    with open_feature_file(write_trident(tmp_path / "t.h5"), None, 100) as slide:
        assert slide.thumbnail().shape == (78, 100, 3)
        assert (slide.thumbnail() == 255).all()
        tiles, reasons = slide.read_tiles([0], [0], 512, 256)
        assert tiles.shape == (1, 256, 256, 3)
        assert reasons == ["t.h5 holds features and no pixels; name the slide file in the manifest's path"]
        with pytest.raises(SlideError, match="the file holds features alone"):
            slide.read(0, 0, 512, 256)


def test_a_resolution_that_nobody_states_is_refused(tmp_path):
    for path in (write_stamp(tmp_path / "s.h5"), write_clam(tmp_path)[0]):
        with pytest.raises(SlideError, match="the manifest has no mpp"):
            open_feature_file(path, None)


def test_the_manifest_counts_before_what_is_nominal_unless_they_contradict(tmp_path):
    path = write_trident(tmp_path / "t.h5")
    assert open_feature_file(path, 0.2325).geometry.mpp == 0.2325
    with pytest.raises(SlideError, match=r"imply about 0\.25 um per .* and the manifest states 0\.5"):
        open_feature_file(path, 0.5)
    assert open_feature_file(path, MppOverride(0.5, 0.5)).geometry.mpp == 0.5
