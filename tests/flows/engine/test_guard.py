"""Each look at the test slides is one line, and splits are checked again before models are made or judged."""

import json
from dataclasses import replace

import pytest

from flows.engine.guard import FILE, Guard, earlier_looks, refuse_leaks
from flows.engine.outcome import TooManyFailedSlidesError
from flows.engine.resolve import RunState
from flows.engine.stages import stage_named
from flows.open_study import open_study
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.slides.errors import ManifestError
from tasks.study.errors import ConfigError
from tests._support.studies import folded_config, tiny_config

MODEL = ModelKey("standard", 0)


@pytest.fixture
def study(config, tmp_path):
    return open_study(config, tmp_path, None)


def lines(study):
    path = study.home / "logs" / FILE
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def before(guard, stage, model=MODEL):
    guard.before(stage_named(stage), ArtifactKey(stage, model))


def test_each_reading_of_test_slides_is_one_line(study):
    reports = [ArtifactKey("evaluate", MODEL, name, metric="gini") for name in "abcd"]
    guard = Guard(study, [*reports, ArtifactKey("compare")])
    for _ in range(2):
        before(guard, "evaluate")
    before(guard, "compare", None)
    assert [(x["study"], x["stage"], x["slides"], x["parts"]) for x in lines(study)] == [
        ("tiny", "evaluate", 2, 4),
        ("tiny", "compare", 2, 1),
    ]
    assert lines(study)[0]["split_hash"] == study.manifest.split_hash


def test_what_reads_no_test_slide_is_not_noted(manifest, tmp_path):
    explain = {"splits": ["val"], "explainers": ["gradient"], "controls": []}
    study = open_study(tiny_config(manifest, explain=explain), tmp_path, None)
    before(Guard(study, ()), "evaluate")
    assert lines(study) == []


@pytest.mark.parametrize("stage", ["tile", "train", "explain", "draw", "review", "record"])
def test_stages_that_do_not_judge_are_not_noted(study, stage):
    before(Guard(study, [ArtifactKey(stage, MODEL)]), stage)
    assert lines(study) == []


def test_a_patient_on_both_sides_is_refused_again_later(study):
    refuse_leaks(study)
    first, *others = study.manifest.slides
    moved = first.model_copy(update={"split": "test", "slide_id": "moved"})
    leaking = replace(study, manifest=study.manifest.model_copy(update={"slides": (first, *others, moved)}))
    with pytest.raises(ManifestError, match="the patient of slide 'moved' lies in test and in train"):
        before(Guard(leaking, ()), "train")


@pytest.fixture
def folded(manifest, tmp_path):
    folds = {"by": "slide", "of": ["train", "val", "test"], "count": 3}
    return open_study(folded_config(manifest, folds=folds), tmp_path, None)


def test_with_folds_each_reads_the_slides_that_it_holds_out(folded):
    models = [ModelKey(arm, 0, fold) for arm in ("standard", "other") for fold in (0, 2)]
    guard = Guard(folded, [ArtifactKey("compare"), *(ArtifactKey("predict", model) for model in models)])
    for fold in (0, 2, 0):
        before(guard, "predict", ModelKey("standard", 0, fold))
    before(guard, "compare", None)
    assert [(x["stage"], x.get("fold"), x["slides"], x["parts"]) for x in lines(folded)] == [
        ("predict", 0, 2, 2),
        ("predict", 2, 2, 2),
        ("compare", None, 6, 1),
    ]
    assert lines(folded)[0]["split_hash"] == folded.split_hash != folded.manifest.split_hash


def test_val_slides_of_a_fold_are_no_test_reading(manifest, tmp_path):
    explain = {"splits": ["val"], "explainers": ["gradient"], "controls": []}
    study = open_study(folded_config(manifest, explain=explain), tmp_path, None)
    before(Guard(study, ()), "predict", ModelKey("standard", 0, 0))
    assert lines(study) == []


def test_a_patient_on_both_sides_of_a_fold_is_refused_again_later(folded):
    refuse_leaks(folded)
    separated = {
        fold.index for fold in folded.folds if len({fold.roles[f"phantom_01_{n}"] for n in (1, 2)}) == 2
    }
    assert separated, "the folds of this test separate the slides of the patient"
    strict = replace(folded, config=folded.config.model_copy(update={"shared_patients": ()}))
    with pytest.raises(ConfigError, match="parts the slides of the patient of 'phantom_01_1'"):
        refuse_leaks(strict)


def test_other_stages_stop_where_more_slides_failed_than_are_tolerated(study, manifest, tmp_path):
    state = RunState(failed={ArtifactKey("tile", slide="phantom_05_1"): "cut short"})
    guard = Guard(study, ())
    assert guard.stops(stage_named("train"), state)
    assert not guard.stops(stage_named("tile"), state), "the other slides are still tried"
    with pytest.raises(TooManyFailedSlidesError, match=r"1 of 6 slides failed, .* 0%:\n  phantom_05_1: cut"):
        guard.refuse_too_many(state)
    tolerant = tiny_config(manifest, failures={"max_failed_slides": 0.25})
    guard = Guard(open_study(tolerant, tmp_path, None), ())
    assert not guard.stops(stage_named("train"), state)
    guard.refuse_too_many(state)


def test_the_looks_of_before_are_counted_by_the_slides_and_not_by_the_split(study, manifest, tmp_path):
    """A second study of other settings and another split reads the same slides: both know of the first."""
    assert earlier_looks(study) == "these 2 test slides had not been compared in this home before"
    before(Guard(study, [ArtifactKey("compare")]), "compare", None)
    before(Guard(study, [ArtifactKey("compare")]), "evaluate")
    assert earlier_looks(study).endswith("had not been compared in this home before"), "made again, it is one"
    other = open_study(tiny_config(manifest, study="other"), tmp_path, None)
    said = earlier_looks(other)
    assert said.startswith("these 2 test slides, or some of them, had been compared once in this home before")
    assert "(tiny 1)" in said
    before(Guard(other, [ArtifactKey("compare")]), "compare", None)
    assert "compared once in this home before (other 1)" in earlier_looks(study)
    third = open_study(tiny_config(manifest, study="third"), tmp_path, None)
    assert "compared 2 times in this home before (other 1, tiny 1)" in earlier_looks(third)


def test_the_log_names_no_slide(study):
    before(Guard(study, [ArtifactKey("compare")]), "compare", None)
    text = (study.home / "logs" / FILE).read_text()
    assert not [row.slide_id for row in study.slides if row.slide_id in text]
    assert len(lines(study)[0]["of"]) == 2


def test_lines_of_an_earlier_version_count_where_they_read_the_same_split(study):
    path = study.home / "logs" / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    line = {"study": "old", "stage": "compare", "time": "then", "split_hash": study.split_hash, "slides": 2}
    path.write_text("\n".join(json.dumps({**line, "split_hash": split}) for split in (study.split_hash, "x")))
    assert "compared once in this home before (old 1)" in earlier_looks(study)


def test_a_study_that_judges_no_test_slide_has_no_looks(manifest, tmp_path):
    explain = {"splits": ["val"], "explainers": ["gradient"], "controls": []}
    assert earlier_looks(open_study(tiny_config(manifest, explain=explain), tmp_path, None)) == ""


def test_a_line_that_a_kill_cut_short_is_named_and_stops_nothing(study, manifest, tmp_path, caplog):
    before(Guard(study, [ArtifactKey("compare")]), "compare", None)
    with (study.home / "logs" / FILE).open("a") as stream:
        stream.write('{"time": "2026-11-')
    other = open_study(tiny_config(manifest, study="other"), tmp_path, None)
    with caplog.at_level("WARNING", logger="veritile.study"):
        assert "compared once in this home before (tiny 1)" in earlier_looks(other)
    assert "line 2 of logs/test_readings.jsonl was cut short" in caplog.text
