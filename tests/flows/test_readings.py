import json

import pytest

from flows.readings import FILE, note_reading, refuse_leaks
from flows.session import Orders, open_session
from tasks.slides.errors import ManifestError


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
