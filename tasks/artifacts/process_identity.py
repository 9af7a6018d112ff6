"""Which process did something, told so that another process can say later whether it is dead.

A host, a pid and a start time, as a text for a tag or the name of a file::

    text = this_process().text            # kept beside what the process has under way
    told = ProcessIdentity.parse(text)    # None where the text is no identity
    if told is not None and told.is_dead():
        ...                               # close what it left

``is_dead`` is True only where that is certain. A process of another host or another container is never
called dead.
"""

import os
import platform
import sys
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # has no stubs

_BETWEEN = "~"
_FIRST_SPACE = "4026531836"
"""The pids of a whole Linux machine. Each container has others, under a number of its own."""
_LINUX = sys.platform == "linux"
_SLACK = 0 if _LINUX else 200


@dataclass(frozen=True)
class ProcessIdentity:
    """One process of one machine.

    Args:
        host: name of the host and of its installation, as two hosts may have one name.
        boot: the start of the machine, as pids begin anew with it.
        space: the pids that the process sees.
        pid: its number.
        started: when it began, in hundredths of a second. Linux counts from the start of the machine, so a
            clock that is set back changes nothing.
    """

    host: str
    boot: str
    space: str
    pid: int
    started: int

    @property
    def text(self) -> str:
        """One word without spaces, slashes and colons."""
        return _BETWEEN.join(map(str, astuple(self)))

    @classmethod
    def parse(cls, text: str) -> "ProcessIdentity | None":
        """Return the identity that ``text`` tells; None where it tells none."""
        host, *rest = text.rsplit(_BETWEEN, 4)
        if len(rest) != 4 or not (rest[2].isdecimal() and rest[3].isdecimal()):
            return None
        return cls(host, rest[0], rest[1], int(rest[2]), int(rest[3]))

    def is_dead(self) -> bool:
        """Return True where the process certainly ended; False where it lives or nobody here can know."""
        host, boot, space = _here()
        if (self.host, self.space) != (host, space):
            return False
        if self.boot != boot:
            # Two containers may share all but the start of their machines, and then neither knows the other.
            return space == _FIRST_SPACE
        started = _started(self.pid)
        return started is None or abs(started - self.started) > _SLACK


def this_process() -> ProcessIdentity:
    """Return the identity of this process, also in a child that was forked."""
    own = _started(os.getpid())
    assert own is not None
    return ProcessIdentity(*_here(), os.getpid(), own)


def this_host() -> str:
    """Return the host as identities name it, the name that people know first."""
    return _here()[0]


@cache
def _here() -> tuple[str, str, str]:
    host = f"{platform.node()}-{_first_line('/etc/machine-id')[:8]}".replace("/", "_").replace(" ", "_")
    try:
        space = os.readlink("/proc/self/ns/pid").strip("pid:[]")  # noqa: PTH115  # no path, but a name
    except OSError:
        space = "none"
    return host, _first_line("/proc/sys/kernel/random/boot_id")[:8] or "none", space


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _started(pid: int) -> int | None:
    """Return when a process began; None where there is none, or only the entry of one that has ended."""
    if not _LINUX:
        try:
            return int(psutil.Process(pid).create_time() * 100)
        except psutil.NoSuchProcess:
            return None
    try:
        # The name of the program is in brackets and may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *others = fields.split()
    return None if state in ("Z", "X") else int(others[18])
