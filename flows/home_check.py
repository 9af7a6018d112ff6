"""Whether a home can be written, asked before a run starts and before each build."""

import os
from pathlib import Path

from tasks.artifacts.drafts import draft_name
from tasks.artifacts.storage_errors import StorageError, Storing, vanished

SALT = "salt"
"""A file that every home has in which a study ran."""
_PROBE = 1 << 16
"""Bytes that must be free for a run to start; what it needs in all, ``validate`` estimates."""


def refuse_unwritable(home: Path) -> None:
    """Make the home if it is absent, and refuse one that takes no file, before any server starts.

    Raises:
        StorageError: it is full, can only be read, or cannot be made.
    """
    if home.exists() and not home.is_dir():
        raise StorageError(f"the home {home} is no folder; --home names the folder of all state")
    with Storing("what this run makes", home):
        work = home / "work"
        work.mkdir(parents=True, exist_ok=True)
        probe = work / draft_name(".probe")  # swept where this process is killed at it
        try:
            with probe.open("wb") as stream:
                stream.write(bytes(_PROBE))
                stream.flush()
                os.fsync(stream.fileno())
        finally:
            probe.unlink(missing_ok=True)


def refuse_vanished(home: Path, what: str) -> None:
    """Refuse to go on in a folder that is no longer the home, as after a disk was taken away.

    A home that is made anew in its place would be another one.

    Raises:
        StorageError: naming what would have been written.
    """
    if not (home / SALT).is_file():
        raise StorageError(vanished(what, home))
