import json

import pytest

from flows import closing_slots, explain_slots
from flows.config import ConfigError
from flows.readings import FILE, note_reading, note_readings, refuse_leaks
from flows.session import Orders, open_session
from tasks.slides.errors import ManifestError
from tests._support.studies import folded_config


@pytest.fixture
def session(config, tmp_path):
    return open_session(config, tmp_path, None, Orders())


def lines(session):
    path = session.home / "logs" / FILE
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def test_each_reading_of_test_slides_is_one_line(session):
    rows = list(session.manifest.slides)
    note_reading(session, "evaluate", rows, 4)
    note_reading(session, "compare", rows, 1)
    assert [(x["study"], x["stage"], x["slides"], x["parts"]) for x in lines(session)] == [
        ("tiny", "evaluate", 2, 4),
        ("tiny", "compare", 2, 1),
    ]
    assert lines(session)[0]["split_hash"] == session.manifest.split_hash


def test_what_reads_no_test_slide_is_not_noted(session):
    training = [row for row in session.manifest.slides if row.split != "test"]
    note_reading(session, "explain", training, 4)
    note_reading(session, "explain", list(session.manifest.slides), 0)
    assert lines(session) == []


def test_a_patient_on_both_sides_is_refused_again_later(session, monkeypatch):
    refuse_leaks(session)
    first, *others = session.manifest.slides
    moved = first.model_copy(update={"split": "test", "slide_id": "moved"})
    leaking = session.manifest.model_copy(update={"slides": (first, *others, moved)})
    object.__setattr__(session, "manifest", leaking)
    with pytest.raises(ManifestError, match=first.patient_id):
        refuse_leaks(session)


@pytest.fixture
def folded(manifest, tmp_path):
    folds = {"by": "slide", "of": ["train", "val", "test"], "count": 3}
    return open_session(folded_config(manifest, folds=folds), tmp_path, None, Orders())


def test_with_folds_each_reads_the_slides_that_it_holds_out(folded):
    rows = list(folded.slides)
    made = [slot for slot in explain_slots.prediction_slots(folded, rows) if slot.coords["fold"] != "1"]
    note_readings(folded, "explain", rows, made)
    note_readings(folded, "compare", rows, [closing_slots.comparison_slot(folded, rows, {})])
    assert [(x["stage"], x.get("fold"), x["slides"], x["parts"]) for x in lines(folded)] == [
        ("explain", 0, 2, 2),
        ("explain", 2, 2, 2),
        ("compare", None, 6, 1),
    ]
    assert lines(folded)[0]["split_hash"] == folded.split_hash != folded.manifest.split_hash


def test_val_slides_of_a_fold_are_no_test_reading(manifest, tmp_path):
    explain = {"splits": ["val"], "explainers": ["gradient"], "controls": []}
    session = open_session(folded_config(manifest, explain=explain), tmp_path, None, Orders())
    rows = list(session.slides)
    note_readings(session, "explain", rows, explain_slots.prediction_slots(session, rows))
    assert lines(session) == []


def test_a_patient_on_both_sides_of_a_fold_is_refused_again_later(folded):
    refuse_leaks(folded)
    config = folded.config.model_copy(update={"shared_patients": ()})
    object.__setattr__(folded, "config", config)
    parted = {
        fold.index for fold in folded.folds if len({fold.roles[f"phantom_01_{n}"] for n in (1, 2)}) == 2
    }
    assert parted, "the dealing of this test parts the patient"
    with pytest.raises(ConfigError, match="parts the slides of patient 'phantom_patient_01'"):
        refuse_leaks(folded)
