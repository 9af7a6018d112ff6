"""A slide is all its files, whichever of them the manifest names."""

import shutil

import pytest

from tasks.slides.reader import open_slide
from tasks.slides.slide_files import slide_files
from tests._support.dicom_headers import dicom_file
from tests._support.mrxs import write_mrxs
from tests._support.real_data import real_data
from tests._support.slide_files import noise
from tests._support.slide_inputs import series_in


def names(path):
    return [(name, file.name) for name, file in slide_files(path, series_in)]


def test_a_file_of_most_formats_is_alone(tmp_path):
    (tmp_path / "a.svs").write_bytes(b"slide")
    (tmp_path / "b.svs").write_bytes(b"slide")
    assert names(tmp_path / "a.svs") == [("", "a.svs")]


def test_an_mrxs_is_its_folder_as_far_as_slidedat_names_it(tmp_path):
    path = write_mrxs(tmp_path / "a.mrxs", noise(128, 128))
    (tmp_path / "a" / "Thumbs.db").write_bytes(b"of the file manager")
    expected = [("", "a.mrxs"), ("Data0000.dat", "Data0000.dat"), ("Index.dat", "Index.dat")]
    assert names(path) == [*expected, ("Slidedat.ini", "Slidedat.ini")]
    (tmp_path / "a" / "Slidedat.ini").write_text("no ini file")
    assert ("Thumbs.db", "Thumbs.db") in names(path), "what it names cannot be told, so everything counts"
    shutil.rmtree(tmp_path / "a")
    assert names(path) == [("", "a.mrxs")]


@pytest.mark.parametrize("size", [(64, 64), (128, 192), (256, 64)])
def test_an_empty_mrxs_with_a_good_folder_opens(tmp_path, size):
    path = write_mrxs(tmp_path / "a.mrxs", noise(*size))
    assert path.stat().st_size == 0
    with open_slide(path, None) as slide:
        assert (slide.geometry.width_level0, slide.geometry.height_level0, slide.geometry.mpp) == (*size, 0.5)


def test_a_vms_is_every_file_that_it_names_and_no_file_elsewhere(tmp_path):
    folder = tmp_path / "slides"
    folder.mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"elsewhere")
    for name in ("a.jpg", "b.jpg", "map.jpg", "other.jpg"):
        (folder / name).write_bytes(name.encode())
    (folder / "a.vms").write_text(
        "[Virtual Microscope Specimen]\nNoLayers=1\nImageFile=a.jpg\nImageFile(1,0)=b.jpg\nMapFile=map.jpg\n"
        "OptimisationFile=gone.opt\nMacroImage=../secret.jpg\n"
    )
    expected = [("", "a.vms"), ("a.jpg", "a.jpg"), ("b.jpg", "b.jpg"), ("map.jpg", "map.jpg")]
    assert names(folder / "a.vms") == expected


def test_the_files_of_a_dicom_series_are_one_slide_by_any_of_its_files(tmp_path):
    for name, series in (("z.dcm", "1.2.3"), ("a", "1.2.3"), ("b.dcm", "1.2.4"), ("c.dcm", None)):
        (tmp_path / name).write_bytes(dicom_file("explicit", series, name.encode()))
    (tmp_path / "notes.txt").write_text("no DICOM")
    assert names(tmp_path / "z.dcm") == names(tmp_path / "a") == [("", "a"), ("", "z.dcm")]
    assert names(tmp_path / "b.dcm") == [("", "b.dcm")]
    assert names(tmp_path / "c.dcm") == [("", "c.dcm")]


@pytest.mark.real_data
def test_real_dicom_files_of_one_slide():
    folder = real_data("faults/dicom_two_files/dcm")
    assert names(folder / "lv0.dcm") == names(folder / "lv1.dcm") == [("", "lv0.dcm"), ("", "lv1.dcm")]
