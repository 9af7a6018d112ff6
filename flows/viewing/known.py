"""Which studies a home has run: where each study file and its slides are, so that the viewer finds them."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from tasks.artifacts.backends.address import url_in
from tasks.artifacts.whole_file import whole_file


@dataclass(frozen=True)
class KnownStudy:
    """A study that was run.

    Attributes:
        name: of the study.
        config: its file.
        manifest: of its slides.
        data_root: the folder or address that paths of the manifest start from; None for its own folder.
    """

    name: str
    config: Path
    manifest: Path
    data_root: Path | None


def note_study(home: Path, known: KnownStudy) -> None:
    """Remember where a study is, wherever the viewer is started from; it holds no name of a slide."""
    folder = _folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    stated = known.data_root
    root = None if stated is None else str(stated if url_in(stated) else stated.resolve())
    told = {
        "name": known.name,
        "config": str(known.config.resolve()),
        "manifest": str(known.manifest.resolve()),
        "data_root": root,
    }
    with whole_file(folder / f"{hashlib.sha256(known.name.encode()).hexdigest()[:16]}.json") as draft:
        draft.write_text(json.dumps(told), encoding="utf-8")


def known_studies(home: Path) -> list[KnownStudy]:
    """Return the studies of a home whose files are still there, by name."""
    found = []
    for path in _folder(home).glob("*.json"):
        told = json.loads(path.read_text(encoding="utf-8"))
        root = None if told["data_root"] is None else Path(told["data_root"])
        known = KnownStudy(told["name"], Path(told["config"]), Path(told["manifest"]), root)
        if known.config.is_file():
            found.append(known)
    return sorted(found, key=lambda known: known.name)


def _folder(home: Path) -> Path:
    return home / "services" / "studies"
