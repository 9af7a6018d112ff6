"""Names of what is being written, which say by whom, and the sweep of what dead processes left.

A draft of a process that lives, or of another machine of which nobody here can know, is left alone. So is
what may be resumed. Within unfinished work the lock of the artifact says whether anybody is at it: the kernel
drops it with its process.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tasks.artifacts.process_identity import ProcessIdentity, this_process

NO_WORK = ("locks", "failed", "attempts")
"""Folders beside those of unfinished work."""
_BETWEEN = "@"


def draft_name(of: str) -> str:
    """Return a new name for a draft of ``of`` by this process."""
    return _BETWEEN.join((of, this_process().text, os.urandom(4).hex()))


def is_abandoned(draft: Path) -> bool:
    """Say whether the process that made a draft has certainly ended."""
    maker = _maker(draft.name)
    return maker is not None and maker.is_dead()


def sweep(home: Path, drafts: Path) -> list[str]:
    """Delete what dead processes were writing below a home, and return the names.

    Args:
        home: the folder of all state.
        drafts: the folder of payloads that are being written.
    """
    swept = []
    for path in _drafts(home, drafts):
        if is_abandoned(path):
            remove(path)
            swept.append(path.name)
    for folder in sorted((home / "work").glob("*/")):
        hidden = sorted(folder.rglob(".*"))
        if hidden and folder.name not in NO_WORK:
            swept += _of_nobody(hidden, home / "work" / "locks" / folder.name)
    return swept


def _of_nobody(paths: list[Path], lock: Path) -> list[str]:
    """Delete drafts within unfinished work, unless a process holds its lock; return their names."""
    try:
        with lock.open("r") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for path in paths:
                remove(path)
    except OSError:  # it is held, or this file system keeps no locks
        return []
    return [path.name for path in paths]


def _drafts(home: Path, drafts: Path) -> Iterator[Path]:
    hidden = f".*{_BETWEEN}*"
    yield from sorted(drafts.glob(f"*{_BETWEEN}*"))
    for folder in (home, home / "work", home / "work" / "failed"):
        yield from sorted(folder.glob(hidden))


def _maker(name: str) -> ProcessIdentity | None:
    parts = name.split(_BETWEEN)
    return ProcessIdentity.parse(parts[-2]) if len(parts) > 2 else None


def remove(path: Path) -> None:
    """Delete a folder or a file, whether or not it is there still."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
