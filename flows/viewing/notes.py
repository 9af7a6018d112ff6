"""Notes of a reader on a slide, kept in the home: one small file per study and slide."""

import hashlib
import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tasks.artifacts.whole_file import whole_file

MOST_BYTES = 1_000_000
"""Of the notes on one slide."""


class Note(BaseModel):
    """One note.

    Attributes:
        id: a UUID.
        text: what was written.
        x: left edge of what the note is about, in level-0 pixels.
        y: top edge in level-0 pixels.
        width: in level-0 pixels.
        height: in level-0 pixels.
        tile: the tile that was open; None for a note on what was in view.
        map: which map was looked at.
        time: when, in ISO 8601.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    id: str = Field(max_length=64)
    text: str = Field(min_length=1, max_length=10_000)
    x: float
    y: float
    width: float = Field(gt=0)
    height: float = Field(gt=0)
    tile: str | None = None
    map: str = Field(default="", max_length=1000)
    time: str = Field(default="", max_length=64)


class Notes(BaseModel):
    """All notes on one slide."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    notes: tuple[Note, ...] = ()


def read_notes(home: Path, study: str, slide: str) -> Notes:
    """Return the notes on a slide."""
    path = notes_file(home, study, slide)
    return Notes.model_validate_json(path.read_bytes()) if path.is_file() else Notes()


def write_notes(home: Path, study: str, slide: str, notes: Notes) -> None:
    """Keep these notes on a slide in place of those before."""
    path = notes_file(home, study, slide)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as draft:
        draft.write_text(json.dumps(notes.model_dump(mode="json"), indent=1), encoding="utf-8")


def notes_file(home: Path, study: str, slide: str) -> Path:
    """Return the file of the notes on a slide, ``notes/<study>/<slide>.json``."""
    return home / "notes" / as_file_name(study) / f"{as_file_name(slide)}.json"


def as_file_name(name: str) -> str:
    """Return what is safe as the name of a file, and differs where the names do."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name)[:60]
    return name if kept == name else f"{kept}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
