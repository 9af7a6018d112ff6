"""Faulty files that were met in the field, read where they lie: each is read, or refused in a sentence."""

import pytest

from benchmarks.fuzzing import BAD, outcome_of
from tasks.slides.annotations import load_outlines
from tasks.slides.first_look import choose_reader
from tasks.slides.reader import open_slide
from tests._support.real_data import real_data

pytestmark = pytest.mark.real_data


def files(*suffixes):
    return [path for path in sorted(real_data("faults").rglob("*")) if path.suffix in suffixes]


def test_faulty_annotations():
    found = [outcome_of(load_outlines, path) for path in files(".xml", ".geojson")]
    assert len(found) >= 10
    assert not [each for each in found if each[0] in BAD]


def test_faulty_slides():
    def opened(path):
        choose_reader(path)
        with open_slide(path, None, thumbnail_px=64) as slide:
            slide.read_tiles([0.0], [0.0], 64.0, 32)

    found = [outcome_of(opened, path) for path in files(".tif", ".dcm")]
    assert len(found) >= 10
    assert not [each for each in found if each[0] in BAD]
