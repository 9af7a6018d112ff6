"""Which studies a home has run: where each study file and its slides are, so that the viewer finds them."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from tasks.artifacts.backends.address import url_in
from tasks.artifacts.whole_file import whole_file


@dataclass(frozen=True)
class ListedStudy:
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


def list_study(home: Path, listed: ListedStudy) -> None:
    """Remember where a study is, wherever the viewer is started from; it holds no name of a slide."""
    folder = _folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    stated = listed.data_root
    root = None if stated is None else str(stated if url_in(stated) else stated.resolve())
    told = {
        "name": listed.name,
        "config": str(listed.config.resolve()),
        "manifest": str(listed.manifest.resolve()),
        "data_root": root,
    }
    with whole_file(folder / f"{hashlib.sha256(listed.name.encode()).hexdigest()[:16]}.json") as draft:
        draft.write_text(json.dumps(told), encoding="utf-8")


def listed_studies(home: Path) -> list[ListedStudy]:
    """Return the studies of a home whose files are still there, by name."""
    found = []
    for path in _folder(home).glob("*.json"):
        told = json.loads(path.read_text(encoding="utf-8"))
        root = None if told["data_root"] is None else Path(told["data_root"])
        listed = ListedStudy(told["name"], Path(told["config"]), Path(told["manifest"]), root)
        if listed.config.is_file():
            found.append(listed)
    return sorted(found, key=lambda listed: listed.name)


def _folder(home: Path) -> Path:
    return home / "services" / "studies"
