"""artifact.json: the self-description that is put last and makes an artifact exist."""

import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tasks.artifacts.part import SCHEMA_VERSION, Part, Reference
from tasks.artifacts.payload import PayloadFile

FILE_NAME = "artifact.json"
_LIBRARIES = ("torch", "monai", "numpy", "openslide-python", "openslide-bin", "captum", "scipy", "shapely")


class Record(BaseModel):
    """Everything that is known of an artifact, as ``artifact.json`` holds it.

    ``payload`` is the payload folder relative to the folder of the kind; ``measures`` holds what differs
    from run to run (seconds, memory) and therefore enters no digest.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: int
    part: Part
    fingerprint: str
    digest: str
    payload: str
    files: tuple[PayloadFile, ...]
    measures: Mapping[str, float]
    versions: Mapping[str, str]
    host: str
    adopted: str | None = None

    @property
    def reference(self) -> Reference:
        """The small thing that tasks pass on."""
        return Reference(kind=self.part.kind, fingerprint=self.fingerprint, digest=self.digest)


@cache
def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that numbers rest on; shown, never part of a fingerprint."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def new_record(
    part: Part, digest: str, files: tuple[PayloadFile, ...], measures: Mapping[str, float]
) -> Record:
    """Describe a payload that lies complete in its place."""
    return Record(
        schema_version=SCHEMA_VERSION,
        part=part,
        fingerprint=part.fingerprint,
        digest=digest,
        payload=f"{part.fingerprint}/{digest}",
        files=files,
        measures=dict(measures),
        versions=library_versions(),
        host=f"{platform.system()}-{platform.machine()}",
    )


def write_atomically(path: Path, text: str) -> None:
    """Replace ``path`` by ``text`` in one step that survives a kill and a power cut."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    with draft.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)


def read_record(path: Path) -> Record | None:
    """Return the record at ``path``, or None if there is none; an unreadable one counts as none."""
    try:
        return Record.model_validate_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
