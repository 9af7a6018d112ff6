import pytest

from tasks.slides.errors import SlideError
from tasks.slides.resolution import MPP_RANGE, Resolution, resolve


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
