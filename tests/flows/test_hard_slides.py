"""Slides that must not break a study: each is named with its reason, and the good ones go on."""

import csv
import shutil

import pytest

from flows.engine.outcome import TooManyFailedSlidesError
from flows.study import study
from tests._support.real_data import real_data
from tests._support.studies import tiny_config

pytestmark = [pytest.mark.slow, pytest.mark.real_data, pytest.mark.usefixtures("prefect")]

HARD = {
    "corrupt_middle.svs": "cannot be read",
    "truncated.svs": "",
    "empty.svs": "",
    "unreadable.svs": "",
    "unknown_compression.tiff": "",
    "untiled.tif": "",
    "bogus_mpp_352.tiff": "352",
    "dicom_no_flavor/small_dicom.dcm": "",
    "dicom_jpegls/sm_image_jpegls.dcm": "",
    "tiny_16px.svs": "",
}


@pytest.fixture
def hard_manifest(manifest, tmp_path):
    """The phantom cohort with every hard file as a further test slide, one under a name that is not ASCII."""
    folder = tmp_path / "cohort"
    shutil.copytree(manifest.parent, folder)
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for number, name in enumerate(HARD):
        target = folder / "hard" / str(number) / f"Schnitt ä {name.rpartition('/')[2]}"
        target.parent.mkdir(parents=True)
        shutil.copyfile(real_data(f"hard/{name}"), target)
        path = target.relative_to(folder).as_posix()
        rows.append(
            {
                "slide_id": f"hard_{number}",
                "patient_id": f"hard_patient_{number}",
                "path": path,
                "split": "test",
            }
        )
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=rows[0].keys(), restval="")
        writer.writeheader()
        writer.writerows(rows)
    return folder / "manifest.csv"


def test_each_is_named_and_the_study_ends_with_the_good_slides(hard_manifest, tmp_path):
    config = tiny_config(hard_manifest, failures={"max_failed_slides": 0.8})
    outcome = study(config, tmp_path / "home")
    assert set(outcome.failed_slides) == {f"hard_{n}" for n in range(len(HARD))}
    for number, (name, expected) in enumerate(HARD.items()):
        told = outcome.failed_slides[f"hard_{number}"]
        assert expected in told, name
        assert len(told) > 20, f"{name}: {told!r} is no sentence"
        assert str(tmp_path) not in told, "a reason names no path of this machine"
    assert outcome.recording is not None


def test_the_study_fails_with_the_list_where_none_is_allowed(hard_manifest, tmp_path):
    with pytest.raises(TooManyFailedSlidesError) as caught:
        study(tiny_config(hard_manifest), tmp_path / "home")
    assert all(f"hard_{n}: " in str(caught.value) for n in range(len(HARD)))
