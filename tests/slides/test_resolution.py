import pytest

from tasks.slides.errors import SlideError
from tasks.slides.reader import open_slide
from tasks.slides.resolution import MPP_RANGE, MppOverride, Resolution, parse_override, resolve
from tests._support.real_data import real_data
from tests._support.slide_files import noise, write_slide


def stated(x, y=None):
    return {"openslide.mpp-x": str(x), "openslide.mpp-y": str(x if y is None else y)}


def test_the_metadata_counts():
    assert resolve(stated(0.25, 0.252), None, MPP_RANGE, "a") == Resolution(0.25, 0.252, "metadata")
    assert resolve(stated(0.25), 0.252, MPP_RANGE, "a").source == "metadata"
    assert resolve({"openslide.mpp-x": "0.25"}, None, MPP_RANGE, "a") == Resolution(0.25, 0.25, "metadata")


@pytest.mark.parametrize("properties", [{}, stated(352.7), stated(0.0001), stated("nan"), stated(-0.5)])
def test_the_manifest_fills_in_where_the_metadata_is_missing_or_absurd(properties):
    assert resolve(properties, 0.5, MPP_RANGE, "a") == Resolution(0.5, 0.5, "manifest")


@pytest.mark.parametrize(
    ("properties", "mpp", "words"),
    [
        ({}, None, "states no um/px"),
        (stated(352.778), None, "352.778"),
        (stated(0.25), 0.5, "the manifest 0.5"),
        (stated(0.25), 99.0, "allowed are 0.05 to 40"),
        (stated(0.25, 0.3), None, "0.25 um wide and 0.3 um high"),
        (stated("wide"), None, "no number"),
    ],
)
def test_what_cannot_be_believed_is_refused_in_one_sentence(properties, mpp, words):
    with pytest.raises(SlideError, match=words) as caught:
        resolve(properties, mpp, MPP_RANGE, "a.svs")
    assert str(caught.value).startswith("a.svs: ")


def test_the_range_can_be_widened():
    assert resolve(stated(100), None, (0.05, 400), "a").mpp == 100


@pytest.mark.parametrize("properties", [{}, stated(0.25), stated(0.25, 0.3), stated("wide"), stated(352)])
def test_an_override_counts_whatever_the_metadata_say(properties):
    assert resolve(properties, MppOverride(0.5, 0.51), MPP_RANGE, "a") == Resolution(0.5, 0.51, "override")


def test_an_override_is_held_to_the_range_that_is_asked_for():
    with pytest.raises(SlideError, match=r"the manifest states 0.5 x 3 um/px; allowed are 0.25 to 1"):
        resolve({}, MppOverride(0.5, 3.0), (0.25, 1.0), "a")


@pytest.mark.parametrize(
    ("text", "override"),
    [
        ("0.25", (0.25, 0.25)),
        ("0.25x0.26", (0.25, 0.26)),
        (" 0.5 X 0.5 ", (0.5, 0.5)),
        ("1\u00d71.05", (1.0, 1.05)),
    ],
)
def test_an_override_is_one_number_or_two(text, override):
    assert parse_override(text) == override


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0,25", "should be micrometres per pixel such as 0.25"),
        ("0.25 um", "should be"),
        ("-0.25", "should be"),
        ("nan", "should be"),
        ("0.25x", "should be"),
        ("0.25x0.26x0.27", "should be"),
        ("0.01", "between 0.05 and 40"),
        ("0.25x99", "between 0.05 and 40"),
        ("0.25x0.5", "may differ by 10%"),
    ],
)
def test_an_override_that_means_nothing_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        parse_override(text)


@pytest.mark.parametrize(
    ("properties", "mpp"),
    [(stated(0.25), 0.5), (stated(0.25, 0.3), None), (stated(0.25, 0.3), 0.25), (stated("x"), 0.5)],
)
def test_where_metadata_are_plausible_and_wrong_the_advice_is_an_override(properties, mpp):
    with pytest.raises(SlideError, match=r"mpp_override and say why in mpp_override_reason"):
        resolve(properties, mpp, MPP_RANGE, "a")


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["inch_unit_cm_number", "unequal_3_percent"])
def test_the_slides_with_wrong_metadata_can_be_corrected(name):
    path = real_data(f"faults/wrong_mpp/{name}.tif")
    with pytest.raises(SlideError, match=r"mpp_override and say why in mpp_override_reason"):
        open_slide(path, 0.5)
    with open_slide(path, MppOverride(0.5, 0.485)) as slide:
        assert (slide.geometry.mpp, slide.geometry.mpp_y) == (0.5, 0.485)
        assert slide.geometry.mpp_source == "override"


@pytest.mark.parametrize("mpp", [0.25, 1.0, None])
def test_an_override_corrects_slides_that_state_another_size_or_none(tmp_path, mpp):
    path = write_slide(tmp_path / "a.tiff", noise(256, 256), mpp=mpp)
    with open_slide(path, MppOverride(0.5, 0.5)) as slide:
        assert (slide.geometry.mpp, slide.geometry.mpp_source) == (0.5, "override")
        assert slide.read(0, 0, 64, 64).shape == (64, 64, 3)
