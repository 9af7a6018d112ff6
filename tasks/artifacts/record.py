"""artifact.json: the self-description that is put last and makes an artifact exist."""

import logging
import os
import platform
import time
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from tasks.artifacts.drafts import draft_name
from tasks.artifacts.payload import PayloadFile
from tasks.artifacts.spec import SCHEMA_VERSION, ArtifactSpec, Reference

_log = logging.getLogger("veritile.store")
FILE_NAME = "artifact.json"
_LIBRARIES = ("torch", "monai", "numpy", "openslide-python", "openslide-bin", "captum", "scipy", "shapely")


class ArtifactRecord(BaseModel):
    """Everything that is known of an artifact, as ``artifact.json`` holds it.

    ``payload`` is the payload folder relative to the folder of the kind. ``measures`` holds what differs
    from run to run (seconds, memory) and therefore enters no digest. ``attempt`` names the attempt that
    made it, so that success is read from the store.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: int
    # Records of the first edition call it "part".
    spec: ArtifactSpec = Field(validation_alias=AliasChoices("spec", "part"))
    fingerprint: str
    digest: str
    payload: str
    files: tuple[PayloadFile, ...]
    measures: Mapping[str, float]
    versions: Mapping[str, str]
    host: str
    adopted: str | None = None
    attempt: str = ""

    @property
    def reference(self) -> Reference:
        """The small thing that tasks pass on."""
        return Reference(kind=self.spec.kind, fingerprint=self.fingerprint, digest=self.digest)


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
    spec: ArtifactSpec,
    digest: str,
    files: tuple[PayloadFile, ...],
    measures: Mapping[str, float],
    attempt: str = "",
) -> ArtifactRecord:
    """Describe a payload that lies complete in its place."""
    return ArtifactRecord(
        schema_version=SCHEMA_VERSION,
        spec=spec,
        fingerprint=spec.fingerprint,
        digest=digest,
        payload=f"{spec.fingerprint}/{digest}",
        files=files,
        measures=dict(measures),
        versions=library_versions(),
        host=f"{platform.system()}-{platform.machine()}",
        attempt=attempt,
    )


def write_atomically(path: Path, text: str, drafts: Path | None = None) -> None:
    """Replace ``path`` by ``text`` in one step that survives a kill and a power cut.

    Args:
        path: the file.
        text: what it holds from then on.
        drafts: a folder of the same file system for what is being written; by default that of the file.

    Raises:
        OSError: the disk cannot take it; then the file is as it was, and nothing else is left.
    """
    draft = (drafts or path.parent) / draft_name(f".{path.name}")
    try:
        with draft.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def note_use(path: Path) -> None:
    """Set the time of a file to now, but never back: a clock that was set back would make it look unused.

    Raises:
        FileNotFoundError: there is no such file.
    """
    if path.stat().st_mtime <= time.time():
        os.utime(path)


def read_record(path: Path) -> ArtifactRecord | None:
    """Return the record at ``path``, or None if there is none; an unreadable one counts as none."""
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return parse_record(data, str(path))


def parse_record(data: bytes, name: str) -> ArtifactRecord | None:
    """Return the record in the bytes of a file or object; one that cannot be read counts as none."""
    try:
        return ArtifactRecord.model_validate_json(data)
    except ValueError:
        _log.warning("unreadable record %s: its artifact counts as absent and will be made again", name)
        return None
