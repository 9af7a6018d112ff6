"""Errors leave a build without the names of patients and files, and stay the errors that they are."""

import errno
import json

import pytest

from flows.hidden_names import HiddenError, HiddenNames, names_hidden
from tasks.reporting.pseudonyms import salted_hash
from tasks.slides.errors import SlideError
from tests._support.plans import plan_of
from tests._support.studies import tiny_config


@pytest.fixture(scope="module")
def study(manifest, tmp_path_factory):
    return plan_of(tiny_config(manifest), tmp_path_factory.mktemp("home")).study


def raised_in(study, error):
    with pytest.raises(BaseException) as caught, names_hidden(study):  # noqa: PT011  # any of them
        raise error
    return caught.value


def test_a_slide_error_names_the_slide_and_no_file_of_it_or_beside_it(study):
    path = study.data_root / study.slides[0].path
    error = raised_in(study, SlideError(f"{path.name}: cannot open {path} or 'x y/Jane Roe.dcm' or roe.dat"))
    assert type(error) is SlideError
    assert str(error) == (
        "the slide file of phantom_01_1: cannot open the slide file of phantom_01_1 or one of its files "
        "or one of its files"
    )


def test_an_error_of_the_system_keeps_its_number_and_loses_the_name(study):
    path = study.data_root / str(study.slides[0].path)
    error = raised_in(study, OSError(errno.ENOSPC, "No space left on device", str(path)))
    assert (type(error), error.errno) == (OSError, errno.ENOSPC)
    assert path.name not in str(error)


def test_patients_become_their_salted_hash_also_in_what_caused_the_error(study):
    patient = study.slides[0].patient_id
    cause = ValueError(f"no {patient} here")
    error = RuntimeError("it failed")
    error.__cause__ = cause
    raised_in(study, error)
    assert str(cause) == f"no patient:{salted_hash(patient, study.salt)} here"


def test_an_error_that_cannot_be_changed_is_told_by_another(study):
    class StubbornError(Exception):
        def __str__(self):
            return f"of {study.slides[0].patient_id}"

    error = raised_in(study, StubbornError())
    assert type(error) is HiddenError
    assert study.slides[0].patient_id not in str(error)
    assert str(error).startswith("StubbornError: of patient:")


def test_other_sentences_and_files_of_ours_stay(study):
    text = "tile_px 64 at 0.5 um/px: comparison.png and tiles.parquet are there"
    assert HiddenNames(study).hide(text) == text
    assert isinstance(raised_in(study, json.JSONDecodeError("x", "y", 0)), json.JSONDecodeError)
