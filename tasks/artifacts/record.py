"""artifact.json: the self-description that is put last and makes an artifact exist."""

import logging
import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

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


def write_atomically(path: Path, text: str) -> None:
    """Replace ``path`` by ``text`` in one step that survives a kill and a power cut."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    with draft.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)


def read_record(path: Path) -> ArtifactRecord | None:
    """Return the record at ``path``, or None if there is none; an unreadable one counts as none."""
    try:
        return ArtifactRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:
        _log.warning("unreadable record %s: its artifact counts as absent and will be made again", path)
        return None
