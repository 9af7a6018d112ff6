"""A run that cannot come to anything is refused before any work, in one sentence."""

import shutil
from types import SimpleNamespace

import pytest

from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions
from flows.estimate import estimate
from flows.open_study import open_study
from flows.preflight import lone_class, refuse_hopeless, warn_or_refuse
from tasks.study.errors import UsageError
from tests._support.studies import tiny_config


def opened(manifest, home, **changes):
    return open_study(tiny_config(manifest, **changes), home, None)


def test_a_study_that_fits_is_let_through_with_what_it_needs(manifest, tmp_path):
    study = opened(manifest, tmp_path)
    assert refuse_hopeless(Plan(study)) > 1e5
    assert warn_or_refuse(Plan(study), RerunOptions()) == ()


@pytest.mark.parametrize(
    ("tile", "told"),
    [
        ({"mpp": 0.25, "tile_px": 32}, "none of the 6 slides can be tiled as the study asks; phantom_01_1: "),
        ({"mpp": 1.0, "tile_px": 4096}, r"none of the 6 slides .* is smaller than one tile of 4096 um"),
    ],
)
def test_tiles_that_no_slide_can_give(manifest, tmp_path, tile, told):
    with pytest.raises(UsageError, match=told):
        warn_or_refuse(Plan(opened(manifest, tmp_path, tile=tile)), RerunOptions())
    assert not (tmp_path / "store").exists()


def test_some_slides_that_cannot_be_tiled_are_left_to_the_study(manifest, tmp_path):
    folder = tmp_path / "cohort"
    shutil.copytree(manifest.parent, folder)
    header, first, *others = (folder / "manifest.csv").read_text().splitlines()
    (folder / first.split(",")[2]).write_bytes(b"no slide")
    (folder / "manifest.csv").write_text("\n".join([header, first.rpartition(",")[0] + ",", *others]) + "\n")
    refuse_hopeless(Plan(opened(folder / "manifest.csv", tmp_path / "home")))


def test_a_disk_without_room_is_refused_but_not_where_one_stage_is_forced(manifest, tmp_path, monkeypatch):
    monkeypatch.setattr(estimate, "free_bytes", lambda home: 1000)
    study = opened(manifest, tmp_path)
    with pytest.raises(UsageError, match=r"the disk of its home has 1\.0 kB free"):
        warn_or_refuse(Plan(study), RerunOptions())
    assert warn_or_refuse(Plan(study), RerunOptions(only="tile")) == ()


def test_a_wrong_version_is_said_in_one_sentence(manifest, tmp_path, monkeypatch):
    monkeypatch.setattr("flows.preflight.unfit_versions", lambda: iter(["a is 1", "b is 2"]))
    (told,) = warn_or_refuse(Plan(opened(manifest, tmp_path)), RerunOptions())
    assert told == "libraries are not as needed: a is 1; b is 2"


@pytest.mark.parametrize(
    ("level", "labels", "told"),
    [
        ("slide", ("a", "a"), ["all slides to test on have the label 'a'"]),
        ("slide", ("a", "b"), []),
        ("tile", ("a", "a"), []),
    ],
)
def test_slide_models_that_are_judged_on_one_class_are_told(level, labels, told):
    slides = [SimpleNamespace(split="test", label=label) for label in labels]
    slides.append(SimpleNamespace(split="train", label="b"))
    study = SimpleNamespace(slides=slides, config=SimpleNamespace(level=level))
    assert [note.partition(":")[0] for note in lone_class(study)] == told
