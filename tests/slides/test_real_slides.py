import shutil

import pytest

from tasks.slides.annotations import load_outlines
from tasks.slides.errors import SlideError
from tasks.slides.manifest import load_manifest
from tasks.slides.reader import open_slide
from tests._support.real_data import real_data
from tests._support.slide_inputs import PlainInputs

pytestmark = pytest.mark.real_data

HARD = {
    "truncated.svs": "OpenSlide cannot open it",
    "empty.svs": "the file is empty",
    "unknown_compression.tiff": "Unsupported TIFF compression",
    "untiled.tif": "OpenSlide cannot open it",
    "bogus_mpp_352.tiff": "352.778 x 352.778 um/px",
    "dicom_no_flavor/small_dicom.dcm": "OpenSlide cannot open it",
    "dicom_jpegls/sm_image_jpegls.dcm": "Unsupported transfer syntax",
}


@pytest.mark.parametrize("name", HARD)
def test_a_hard_slide_is_refused_by_name_and_reason(name):
    path = real_data("hard") / name
    with pytest.raises(SlideError, match=HARD[name]) as caught:
        open_slide(path, None)
    assert str(caught.value).startswith(path.name)
    assert str(path.parent) not in str(caught.value)


def test_an_absurd_resolution_is_mended_by_the_manifest():
    with open_slide(real_data("hard/bogus_mpp_352.tiff"), 0.5) as slide:
        assert (slide.geometry.mpp, slide.geometry.mpp_source) == (0.5, "manifest")


def test_a_slide_of_16_px_opens_under_any_name(tmp_path):
    path = shutil.copyfile(real_data("hard/tiny_16px.svs"), tmp_path / "größe 16 px, ő.svs")
    with open_slide(path, None) as slide:
        assert slide.thumbnail().shape == (16, 16, 3)


def test_two_of_130_squares_of_the_corrupt_slide_fail_and_the_rest_is_read():
    failed = 0
    with open_slide(real_data("hard/corrupt_middle.svs"), None) as slide:
        for y in range(0, 13 * 240, 240):
            for x in range(0, 10 * 240, 240):
                try:
                    slide.read(x, y, 240, 240)
                except SlideError:
                    failed += 1
        assert failed == 2
        assert slide.thumbnail().mean() < 250


def test_dicom_and_ndpi_open_with_their_resolution():
    with open_slide(
        real_data("formats/dicom_camelyon/multiframe_camelyon_challenge_image.dcm"), None
    ) as slide:
        assert slide.geometry.mpp == pytest.approx(28.969)
    with open_slide(real_data("formats/hamamatsu_fluorescence.ndpi"), None) as slide:
        assert slide.geometry.mpp == pytest.approx(0.22818, abs=1e-5)


def test_the_tumour_manifest_holds_with_its_shared_patient():
    root = real_data("camelyon16_tma")
    manifest, found = load_manifest(
        root / "manifest.csv", root, frozenset({"cam16_block_106"}), PlainInputs()
    )
    assert len(manifest.slides) == 12
    assert {row.slide_id: row.sha256 for row in manifest.slides} == found
    assert all(load_outlines(root / row.annotation).outlines for row in manifest.slides)
