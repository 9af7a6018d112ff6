"""Processes that bear a mark in their environment, which all that they start inherits.

A worker starts each run in a session of its own, and a process whose parent was killed has another parent:
neither a process group nor a tree finds them all. Light enough for a process that only waits.
"""

from __future__ import annotations

import os
import time
from collections.abc import Container, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil  # type: ignore[import-untyped]  # has no stubs

MARK = "VERITILE_UI"
"""Name of the variable. Its value is drawn anew by each ``veritile ui``."""

NAME = "VERITILE_SERVICE"
"""Name of the variable that says which service a process belongs to."""

_LOOK_S = 0.1
_LOOKS = 3
"""A process that was being started has its mark a moment later, so none is believed only after some looks."""

_FORCE_S = 5.0
"""A process that waits for a disk that does not answer cannot be ended by anybody, and is not waited for."""


def marked(mark: str) -> list[psutil.Process]:
    """Return every process that bears ``mark``, apart from this one."""
    return list(_marked(mark))


def service_of(process: psutil.Process) -> str:
    """Return the name of the service that a process belongs to; empty where that cannot be known."""
    return str(_environment(process).get(NAME, ""))


def end_marked(mark: str, grace_s: float, services: Container[str] | None = None) -> list[str]:
    """End what bears ``mark``: politely, and what lives on after ``grace_s`` seconds by force.

    Args:
        mark: the mark.
        grace_s: seconds between the two.
        services: names of those that are ended, with what they started; all by default.

    Returns:
        What was found, as a name and a pid each.
    """
    found: dict[int, str] = {}
    deadline, quiet = time.monotonic() + grace_s, 0
    asked: set[int] = set()
    while quiet < _LOOKS and time.monotonic() < deadline + _FORCE_S:
        alive = [each for each in marked(mark) if services is None or service_of(each) in services]
        found.update({each.pid: service_of(each) or "process" for each in alive if each.pid not in found})
        quiet = 0 if alive else quiet + 1
        late = time.monotonic() >= deadline
        _signal([each for each in alive if late or each.pid not in asked], by_force=late)
        asked |= {each.pid for each in alive}
        time.sleep(_LOOK_S)
    return [f"{name} (pid {pid})" for pid, name in found.items()]


def _signal(processes: Sequence[psutil.Process], *, by_force: bool) -> None:
    import psutil

    for process in processes:
        try:
            if by_force:
                process.kill()
            else:
                process.terminate()
        except psutil.Error:
            continue


def _marked(mark: str) -> Iterator[psutil.Process]:
    import psutil

    own = os.getpid()
    for process in psutil.process_iter():
        if process.pid != own and _environment(process).get(MARK) == mark and _lives(process):
            yield process


def _lives(process: psutil.Process) -> bool:
    import psutil

    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _environment(process: psutil.Process) -> dict[str, str]:
    """Return the environment that a process was started with; empty where this user may not read it."""
    import psutil

    try:
        return dict(process.environ())
    except (psutil.Error, OSError):
        return {}
