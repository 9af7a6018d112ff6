import numpy as np
import openslide
import pytest

from tasks.slides.errors import SlideError
from tasks.slides.first_look import look
from tasks.slides.reader import open_slide
from tests._support.slide_files import break_tile, noise, write_slide


@pytest.fixture
def slide_file(tmp_path):
    return write_slide(tmp_path / "slide.tiff", noise(512, 384), ((256, 192),), mpp=0.5)


def test_the_geometry_is_that_of_the_file(slide_file):
    with open_slide(slide_file, None, thumbnail_px=100) as slide:
        geometry = slide.geometry
    assert (geometry.width_level0, geometry.height_level0) == (512, 384)
    assert geometry.mpp == geometry.mpp_y == pytest.approx(0.5)
    assert geometry.mpp_source == "metadata"
    assert geometry.level_downsamples == (1.0, 2.0)
    assert (geometry.thumbnail_width, geometry.thumbnail_height) == (100, 75)
    assert geometry.thumbnail_downsample_x == 5.12
    assert (geometry.bounds_x, geometry.bounds_y) == (0, 0)
    assert (geometry.bounds_width, geometry.bounds_height) == (512, 384)


def test_level_0_is_copied_byte_for_byte(slide_file):
    with open_slide(slide_file, None) as slide:
        tile = slide.read(101, 57, 96, 96)
    np.testing.assert_array_equal(tile, noise(512, 384)[57:153, 101:197])


def test_the_thumbnail_is_never_larger_than_the_slide(slide_file):
    with open_slide(slide_file, None, thumbnail_px=4096) as slide:
        np.testing.assert_array_equal(slide.thumbnail(), noise(512, 384))
        assert slide.overview(0.01).pixels.shape == (384, 512, 3)


def test_the_manifest_states_what_the_file_does_not(tmp_path):
    path = write_slide(tmp_path / "bare.tiff", noise(256, 256), mpp=None)
    with open_slide(path, 0.7) as slide:
        assert (slide.geometry.mpp, slide.geometry.mpp_source) == (0.7, "manifest")
    with pytest.raises(SlideError, match="manifest has no mpp"):
        open_slide(path, None)


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "no such file"), (b"", "empty"), (b"not a slide", "OpenSlide cannot open it")],
)
def test_a_file_that_is_no_slide_is_refused_by_name(tmp_path, content, words):
    path = tmp_path / "it.svs"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SlideError, match=words) as caught:
        open_slide(path, 0.5)
    assert str(caught.value).startswith("it.svs: ")
    assert str(tmp_path) not in str(caught.value)


def test_a_name_with_spaces_and_accents_opens(tmp_path, slide_file):
    path = slide_file.rename(tmp_path / "präparat nr 7 ü.tiff")
    with open_slide(path, None) as slide:
        assert slide.read(0, 0, 8, 8).shape == (8, 8, 3)


def test_an_error_latches_in_openslide_but_not_in_the_reader(tmp_path):
    path = write_slide(tmp_path / "broken.tiff", noise(512, 384), compression="jpeg")
    break_tile(path, 5)
    with open_slide(path, None) as slide:
        before = slide.read(0, 0, 64, 64)
        for _ in range(2):
            with pytest.raises(
                SlideError, match=r"broken.tiff: the 64 px square at \(140, 140\) cannot be read"
            ):
                slide.read(140, 140, 64, 64)
            np.testing.assert_array_equal(slide.read(0, 0, 64, 64), before)


def test_label_and_macro_images_are_never_opened(slide_file, monkeypatch):
    def refuse(_):
        raise AssertionError("an associated image was opened")

    monkeypatch.setattr(openslide.OpenSlide, "associated_images", property(refuse))
    with open_slide(slide_file, None, choice=look(slide_file)) as slide:
        slide.thumbnail()
        slide.overview(8)
        slide.read(0, 0, 64, 64)
