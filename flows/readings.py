"""Each reading of test slides is logged: a study that looks often is a study that was tuned on them."""

import json
import logging
from datetime import UTC, datetime

from flows.config import Stage
from flows.session import Session
from tasks.slides.manifest import SlideRow, assert_disjoint

_log = logging.getLogger("veritile.study")
FILE = "test_readings.jsonl"


def note_reading(session: Session, stage: Stage, rows: list[SlideRow], parts: int) -> None:
    """Append one line to ``logs/test_readings.jsonl`` if ``stage`` is about to read test slides.

    Args:
        session: the study.
        stage: who reads.
        rows: the slides that are read.
        parts: how many parts are made from them; none, no reading.
    """
    slides = [row.slide_id for row in rows if row.split == "test"]
    if not slides or not parts:
        return
    line = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "study": session.config.study,
        "stage": stage,
        "split_hash": session.manifest.split_hash,
        "slides": len(slides),
        "parts": parts,
    }
    folder = session.home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")
    _log.info("%s reads %d test slides (logged in logs/%s)", stage, len(slides), FILE)


def refuse_leaks(session: Session) -> None:
    """Assert once more, before a stage that trains or judges, that no patient lies on both sides.

    Raises:
        ManifestError: naming each patient who does.
    """
    assert_disjoint(session.manifest.slides, frozenset(session.config.shared_patients))
