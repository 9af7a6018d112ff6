"""Each reading of test slides is logged: a study that looks often is a study that was tuned on them."""

import json
import logging
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from flows.config import Stage
from flows.folds import dealt_out, refuse_parted
from flows.places import explained
from flows.session import Session
from flows.slot import Slot
from tasks.slides.manifest import SlideRow, assert_disjoint

_log = logging.getLogger("veritile.study")
FILE = "test_readings.jsonl"


def note_readings(session: Session, stage: Stage, slides: list[SlideRow], made: Sequence[Slot]) -> None:
    """Note which of ``slides`` the parts of ``stage`` to be made read: one line, with folds one a fold."""
    for fold, parts in Counter(slot.coords.get("fold") for slot in made).items():
        held_out = explained(session, slides, None if fold is None else int(fold))
        note_reading(session, stage, held_out, parts, fold)


def note_reading(
    session: Session, stage: Stage, rows: list[SlideRow], parts: int, fold: str | None = None
) -> None:
    """Append one line to ``logs/test_readings.jsonl`` if ``stage`` is about to read test slides.

    Args:
        session: the study.
        stage: who reads.
        rows: the slides that are read.
        parts: how many parts are made from them; none, no reading.
        fold: the fold whose models read; none in a study without folds, and where all are read at once.
    """
    slides = [row.slide_id for row in rows if row.split == "test"]
    if not slides or not parts:
        return
    line = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "study": session.config.study,
        "stage": stage,
        "split_hash": session.split_hash,
        **({} if fold is None else {"fold": int(fold)}),
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

    With folds that is asserted of the manifest's splits and of the roles in each fold.

    Raises:
        ManifestError: naming each patient who does.
        ConfigError: naming the first who does in a fold.
    """
    shared = frozenset(session.config.shared_patients)
    assert_disjoint(session.manifest.slides, shared)
    recipe = session.config.folds
    if recipe is not None:
        rows = dealt_out(recipe, session.manifest.slides)
        for fold in session.folds:
            refuse_parted(recipe, rows, fold.roles, shared)
