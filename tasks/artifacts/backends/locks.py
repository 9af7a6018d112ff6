"""Who makes an artifact: one process of a machine at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from tasks.artifacts.spec import ArtifactSpec


class Locks(Protocol):
    """Lets one at a time make an artifact. Nothing but saved work rests on it."""

    def held(self, spec: ArtifactSpec) -> AbstractContextManager[None]:
        """Wait until nobody else makes ``spec``, and keep others waiting."""


class FileLocks:
    """Locks of the kernel on files of a folder. It drops those of a killed process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def held(self, spec: ArtifactSpec) -> Iterator[None]:
        """Wait until no other process of this machine makes ``spec``, and keep others waiting."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / spec.fingerprint).open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield
