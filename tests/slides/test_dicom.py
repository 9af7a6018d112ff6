"""The series of a DICOM file in every syntax; damaged and other files belong to none."""

import hashlib

import pytest

from tasks.slides.dicom import is_dicom, series_of
from tests._support.dicom_headers import SYNTAXES, dicom_file
from tests._support.real_data import real_data

SERIES = "1.2.826.0.1.3680043.8.498.7"


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_series_is_read_past_sequences_and_only_its_hash_is_returned(tmp_path, syntax):
    path = tmp_path / "a.dcm"
    path.write_bytes(dicom_file(syntax, SERIES))
    assert is_dicom(path)
    assert series_of(path) == hashlib.sha256(SERIES.encode()).hexdigest()


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_file_without_a_series_belongs_to_none(tmp_path, syntax):
    path = tmp_path / "a.dcm"
    path.write_bytes(dicom_file(syntax, None))
    assert series_of(path) is None


@pytest.mark.parametrize("size", [0, 10, 131, 132, 150, 200, 250, 300])
def test_a_file_that_is_cut_off_belongs_to_none(tmp_path, size):
    path = tmp_path / "a.dcm"
    path.write_bytes(dicom_file("explicit", SERIES)[:size])
    assert series_of(path) is None
    assert is_dicom(path) == (size >= 132)


def test_another_format_belongs_to_none(tmp_path):
    path = tmp_path / "a.tiff"
    path.write_bytes(b"II*\0" + b"\0" * 200)
    assert series_of(path) is None


@pytest.mark.real_data
def test_real_files_of_one_slide_have_one_series():
    folder = real_data("faults/dicom_two_files/dcm")
    others = [
        real_data("hard/dicom_no_flavor/small_dicom.dcm"),
        real_data("hard/dicom_jpegls/sm_image_jpegls.dcm"),
    ]
    first, second = (series_of(folder / name) for name in ("lv0.dcm", "lv1.dcm"))
    assert first == second is not None
    assert len({first, *map(series_of, others)}) == 3
